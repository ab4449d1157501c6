from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from faststyle.images.files import load_picture_bytes
from faststyle.networks import AnyPaintingNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, read_style, write_style
from tests.commands import run_command


@pytest.fixture
def any_file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = AnyPaintingNetwork(width=4, blocks=1, hidden=8)
    nn.init.normal_(network.predictor.layers[-1].weight, std=0.1)  # type: ignore[arg-type]
    path = tmp_path / "mine.safetensors"
    write_style(TrainedStyle(network, StyleMetadata("any")), path)
    return path


@pytest.fixture
def pictures(tmp_path: Path, make_photo: Callable[..., Path]) -> tuple[Path, Path]:
    photo = make_photo(tmp_path / "city.png", width=64, height=48)
    return photo, make_photo(tmp_path / "wave.png", width=90, height=70, seed=3)


def test_a_photo_is_painted_like_a_picture(
    any_file: Path, pictures: tuple[Path, Path], tmp_path: Path
) -> None:
    photo, painting = pictures
    result = run_command("stylize", "--ckpt", any_file, "--painting", painting, photo)
    assert result.returncode == 0, result.stderr
    assert load_picture_bytes(tmp_path / "city.wave.png").size == (48, 64)


@pytest.mark.slow
def test_a_tuned_style_is_saved_and_does_other_photos(
    any_file: Path, pictures: tuple[Path, Path], tmp_path: Path
) -> None:
    photo, painting = pictures
    saved = tmp_path / "kept.safetensors"
    arguments = ("--ckpt", any_file, "--painting", painting, "--steps", "2", "--save", saved)
    result = run_command("stylize", *arguments, photo, "--output", tmp_path / "a.png")
    assert result.returncode == 0, result.stderr
    style = read_style(saved)
    assert style.metadata.names() == ("kept",)
    assert style.metadata.steps == 2
    again = run_command("stylize", "--ckpt", f"{saved}:kept", photo, "--output", tmp_path / "b.png")
    assert again.returncode == 0, again.stderr
    first, second = (
        load_picture_bytes(tmp_path / name).pixels.int() for name in ("a.png", "b.png")
    )
    # The file holds float16.
    assert (first - second).abs().max() <= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seconds", "3"], "are of a style that --painting predicts"),
        (["--painting", "wave.png", "--seconds", "0"], "--seconds is 0.0"),
        (["--painting", "wave.png", "--seconds", "soon"], "invalid float value"),
        (["--painting", "nowhere.png"], "no such style image: nowhere.png"),
        (["--painting", "wave.png", "--ckpt", "starry_night_small"], "is a style by itself"),
        (["--painting", "wave.png", "--save", "x.onnx"], "styles are .safetensors files"),
        (["--painting", "wave.png", "--region", "rest=udnie"], "--painting is one style"),
    ],
)
def test_what_does_not_fit_ends_with_status_2(
    any_file: Path,
    pictures: tuple[Path, Path],
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    photo, _ = pictures
    given = arguments if "--ckpt" in arguments else ["--ckpt", str(any_file), *arguments]
    result = run_command("stylize", *given, photo, "--output", "x.png", cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert not (tmp_path / "x.png").exists()


def test_many_pictures_and_seconds_are_said(
    any_file: Path, pictures: tuple[Path, Path], tmp_path: Path
) -> None:
    photo, painting = pictures
    arguments = ("--ckpt", any_file, "--painting", painting, "--steps", "1", "--size", "16")
    result = run_command("stylize", *arguments, photo, painting, "--output", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "tuned for each of 2 pictures" in result.stderr
