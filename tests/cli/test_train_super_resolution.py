"""The command line for real."""

from pathlib import Path

import pytest
import torch

from faststyle.networks import SuperResolutionNetwork
from faststyle.styles import read_style
from tests.commands import run_command


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["factor=3"], "factor=3: networks enlarge by one of 2, 4, 8"),
        (["loss=pixels"], 'unknown loss "pixels": did you mean "pixel"'),
        (["data.size=33"], "data.size=33 must be a multiple of factor=4"),
        (["network.upsampel=shuffle"], 'did you mean "network.upsample"'),
        (["resume=absent.ckpt"], "no such checkpoint to resume from: absent.ckpt"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    tmp_path: Path, overrides: list[str], message: str
) -> None:
    result = run_command("train-super-resolution", "experiment=smoke", *overrides, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_train_knows_it_as_a_task(tmp_path: Path) -> None:
    settings = (
        "experiment=smoke",
        "task=super_resolution",
        "factor=2",
        "export.path=two.safetensors",
    )
    result = run_command("train", *settings, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    network = read_style(tmp_path / "two.safetensors").network
    assert isinstance(network, SuperResolutionNetwork)
    assert network.factor == 2


def test_a_task_that_nobody_knows_is_one_line(tmp_path: Path) -> None:
    result = run_command("train", "task=super_resolutoin", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.strip() == (
        'error: unknown task "super_resolutoin": did you mean "super_resolution"?'
    )


def test_what_the_command_trains_another_enlarges_with(tmp_path: Path) -> None:
    path = "export.path=checkpoints/small.safetensors"
    result = run_command("train-super-resolution", "experiment=smoke", path, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "exported" in result.stdout + result.stderr
    assert "no such picture" in run_command("enlarge", "a.jpg", cwd=tmp_path).stderr


@pytest.mark.slow
def test_two_processes_train_like_one(tmp_path: Path, photo_folder: Path) -> None:
    settings = (
        "experiment=smoke",
        "data=coco",
        f"data.root={photo_folder}",
        "loss=both",
        "trainer.max_steps=3",
        # Adam's first steps turn the rounding of small gradients into whole steps.
        "trainer.precision=64-true",
        "export.half=false",
    )
    ddp = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2")
    weights = []
    for name, trainer in (("one", ("trainer=cpu",)), ("two", ddp)):
        path = tmp_path / f"{name}.safetensors"
        run = run_command(
            "train-super-resolution", *settings, *trainer, f"export.path={path}", cwd=tmp_path
        )
        assert run.returncode == 0, run.stderr
        weights.append(read_style(path).network.state_dict())
    for key, expected in weights[0].items():
        torch.testing.assert_close(weights[1][key], expected, rtol=0, atol=1e-8)
