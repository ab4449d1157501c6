"""The command line for real."""

import json
import subprocess
from pathlib import Path

import pytest
import torch

from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, write_style
from tests.commands import run_command
from tests.upscalers import write_upscaler

RANDOM = ("encoder=vgg11", "encoder.weights=random", "loss=gatys")


def evaluate(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_command("evaluate", *arguments, cwd=folder)


@pytest.fixture
def style(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "flow.safetensors"
    write_style(
        TrainedStyle(TransformNetwork(width=2, blocks=0), StyleMetadata(style="flow_field")), path
    )
    return path


def test_figures_are_shown_and_written(tmp_path: Path, style: Path, photo_folder: Path) -> None:
    choice = ("--size", "64", "--count", "1", "--iterations", "2", "--json", "out.json")
    result = evaluate(tmp_path, "--ckpt", style, "--photos", photo_folder, *choice, *RANDOM)
    assert result.returncode == 0, result.stderr
    assert "L-BFGS 2" in result.stdout
    assert json.loads((tmp_path / "out.json").read_text())["64"]["optimized"]["2"]["loss"] > 0


def test_an_enlarger_is_measured_beside_bicubic_and_lanczos(
    tmp_path: Path, photo_folder: Path
) -> None:
    path = write_upscaler(tmp_path / "x4.safetensors")
    choice = ("--size", "64", "--count", "2", "--json", "out.json")
    result = evaluate(tmp_path, "--ckpt", path, "--photos", photo_folder, *choice)
    assert result.returncode == 0, result.stderr
    assert "x4, 2 held-out photos" in result.stdout
    found = json.loads((tmp_path / "out.json").read_text())["64"]
    ways = ["network", "network, strength 1.4", "network, histogram matched"]
    assert list(found) == ["bicubic", "lanczos", *ways]
    result = evaluate(tmp_path, "--ckpt", path, "--photos", photo_folder, "loss=gatys")
    assert (result.returncode, result.stdout) == (2, "")
    assert "enlarges pictures: loss=gatys is for styles" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ckpt", "absent.ckpt", "--photos", "photos"], "no such checkpoint: absent.ckpt"),
        (["--ckpt", "flow.safetensors", "--photos", "nowhere"], "no such photo folder: nowhere"),
        (["--ckpt", "flow.safetensors", "--photos", "photos", "--size", "32"], "--size 64"),
        (["--ckpt", "flow.safetensors", "--photos", "photos", "los=x"], 'unknown setting "los"'),
    ],
)
@pytest.mark.usefixtures("style", "photo_folder")
def test_bad_input_is_one_line_and_status_2(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = evaluate(tmp_path, *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
