"""The command line for real."""

import subprocess
from pathlib import Path

import torch
from PIL import Image

from faststyle.images.files import load_picture
from faststyle.images.pixels import resample
from faststyle.networks import TransformNetwork
from faststyle.styles import TrainedStyle, write_style
from tests.commands import run_command


def test_every_photo_is_shown_in_every_style(tmp_path: Path, photo_folder: Path) -> None:
    names = [str(tmp_path / f"{name}.safetensors") for name in ("a", "b")]
    for name in names:
        write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), Path(name))
    out = tmp_path / "sheet.png"
    choice = ("--size", "32", "--height", "40", "--output", str(out))
    result = run_command("gallery", photo_folder, "--ckpt", *names, *choice)
    assert result.returncode == 0, result.stderr
    sheet = load_picture(out).pixels
    assert sheet.shape == (3, 6 * (40 + 22 + 8) - 8, 3 * 48 + 2 * 8), "with captions"
    photo = resample(load_picture(photo_folder / "0.jpg").pixels, (40, 48))
    assert torch.allclose(sheet[:, :40, :48], photo, atol=0.01)


def _gallery(folder: Path, style: Path, output: str) -> subprocess.CompletedProcess[str]:
    choice = ("--ckpt", style, "--size", "32", "--height", "40", "--output", output)
    return run_command("gallery", "photos", *choice, cwd=folder)


def test_a_sheet_among_the_photos_is_made_anew_and_a_photo_stays(
    tmp_path: Path, photo_folder: Path
) -> None:
    style = tmp_path / "a.safetensors"
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), style)
    sizes = []
    for _ in range(2):
        assert _gallery(tmp_path, style, "photos/sheet.png").returncode == 0
        sizes.append(load_picture(photo_folder / "sheet.png").pixels.shape)
    assert sizes[0] == sizes[1]
    before = (photo_folder / "0.jpg").read_bytes()
    refused = _gallery(tmp_path, style, "photos/0.jpg")
    assert (refused.returncode, "is an input" in refused.stderr) == (2, True)
    assert (photo_folder / "0.jpg").read_bytes() == before


def test_an_odd_photo_is_named_and_missing_on_the_sheet(tmp_path: Path, photo_folder: Path) -> None:
    style = tmp_path / "a.safetensors"
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), style)
    (photo_folder / "odd.jpg").write_text("broken")
    Image.new("1", (200_000, 1)).save(photo_folder / "long.png")  # too large once it is scaled
    result = _gallery(tmp_path, style, "sheet.png")
    assert result.returncode == 2
    assert "odd.jpg is not a picture" in result.stderr
    assert "long.png: 204.8 megapixels" in result.stderr
    assert "2 of 8 pictures are missing" in result.stderr
    assert load_picture(tmp_path / "sheet.png").pixels.shape[1] == 6 * (40 + 22 + 8) - 8
