"""The command line for real."""

from pathlib import Path

import torch

from faststyle.checkpoints import TrainedStyle, write_style
from faststyle.networks import TransformNetwork
from faststyle.pictures.files import load_picture
from faststyle.pictures.pixels import resample
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
