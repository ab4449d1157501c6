import subprocess
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.commands import run_command


def features(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    choice = ("--encoder", "vgg11", "--weights", "random")
    return run_command("features", *choice, *arguments, cwd=folder)


def test_a_photo_is_looked_at_through_every_layer(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    make_photo(tmp_path / "photo.jpg")
    options = ("--reconstruct", "--iterations", "2", "--style", "photo.jpg", "--logdir", "log")
    result = features(tmp_path, "photo.jpg", "--layers", "relu1_1,relu2_1", *options)
    assert (result.returncode, result.stdout) == (0, "features.png\n"), result.stderr
    assert Image.open(tmp_path / "features.png").size > (3 * 512, 2 * 512)
    assert list((tmp_path / "log").glob("events.*"))


def test_a_photo_is_looked_at_through_the_loss_network_that_ships(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    make_photo(tmp_path / "photo.jpg")
    result = run_command("features", "photo.jpg", "--encoder", "lite", "--maps", "4", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, "features.png\n"), result.stderr


def test_an_unknown_loss_network_is_one_line_and_status_2(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    make_photo(tmp_path / "photo.jpg")
    result = features(tmp_path, "photo.jpg", "--encoder", "vgg18")
    assert result.returncode == 2
    assert 'unknown encoder "vgg18": did you mean "vgg1' in result.stderr


def test_an_unknown_layer_is_one_line_and_status_2(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    make_photo(tmp_path / "photo.jpg")
    result = features(tmp_path, "photo.jpg", "--layers", "relu1_1,relu9_1")
    assert result.returncode == 2
    assert 'vgg11 has no layer "relu9_1"' in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
