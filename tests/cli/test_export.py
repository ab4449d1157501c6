import re
import subprocess
from pathlib import Path

import pytest
import torch

from faststyle.networks import TransformNetwork
from faststyle.styles import TrainedStyle, write_style
from tests.commands import run_command


def export(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command("export", *arguments, cwd=folder)


def test_a_style_becomes_a_program_beside_which_its_difference_is_told(tmp_path: Path) -> None:
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), tmp_path / "night.safetensors")
    result = export(tmp_path, "--ckpt", "night.safetensors", "--format", "torch")
    assert result.returncode == 0, result.stderr
    assert re.match(r"night.pt2: 0\.\d MB, at most [01]\.00 of 255", result.stdout)
    program = torch.export.load(tmp_path / "night.pt2").module()
    assert program(torch.zeros(1, 3, 16, 16, dtype=torch.uint8)).shape == (1, 3, 16, 16)


def test_an_unknown_style_is_one_line_and_status_2(tmp_path: Path) -> None:
    result = export(tmp_path, "--ckpt", "absent.safetensors")
    assert result.returncode == 2
    assert "no such checkpoint: absent" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_name_of_a_program_says_what_it_is_and_is_never_the_styles(tmp_path: Path) -> None:
    path = tmp_path / "night.onnx.safetensors"
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), path)
    before = path.read_bytes()
    for output, message in (("a.tflite", "writes .onnx"), (path.name, "writes .onnx")):
        result = export(tmp_path, "--ckpt", path.name, "--output", output)
        assert (result.returncode, message in result.stderr) == (2, True)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sizes", "512"], "like 512x768"),
        (["--sizes", "250x256"], "multiples of 4, from 16 to 8192"),
        (["--format", "litert", "--sizes", "any"], "--sizes any: --format litert has HxW"),
        (["--format", "onx"], 'did you mean "onnx"'),
        (["--half", "--int8"], "exclude each other"),
        (["--photos", "."], "--photos is for --int8"),
        (["--opset", "17"], "--opset 17 must be from 18 to"),
        (["--opset", "21", "--ir-version", "8"], "--ir-version 8 must be from 10 to"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), tmp_path / "night.safetensors")
    result = export(tmp_path, "--ckpt", "night.safetensors", *arguments)
    assert (result.returncode, message in result.stderr) == (2, True), result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["night.safetensors"]
