"""The command line for real: signals, processes, and mistakes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from faststyle.checkpoint import read_style

ROOT = Path(__file__).resolve().parents[2]
TINY = (
    "style=flow_field",
    "style.size=32",
    "encoder=vgg11",
    "encoder.weights=random",
    "loss=gatys",
    "loss.style.relu5_1=0",
    "loss.style.relu4_1=0",
    "network.width=4",
    "network.blocks=1",
    "data.size=32",
    "data.workers=0",
    "data.val_photos=2",
    "trainer=cpu",
    "trainer.log_every_n_steps=1",
)


def command(*overrides: str) -> list[str]:
    return [sys.executable, str(ROOT / "scripts" / "train.py"), *TINY, *overrides]


def train(folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*overrides), cwd=folder, capture_output=True, text=True, check=False
    )


def _weights(path: Path) -> dict[str, torch.Tensor]:
    return read_style(path).network.state_dict()


def _runs(folder: Path) -> list[Path]:
    return sorted((folder / "outputs" / "flow_field").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_resumes_to_the_same_weights_to_the_bit(
    tmp_path: Path, photo_folder: Path, number: signal.Signals
) -> None:
    steps = (f"data.root={photo_folder}", "trainer.max_steps=80", "checkpoint_every_n_steps=1000")
    assert train(tmp_path, *steps, "export.path=whole.safetensors").returncode == 0
    cut = tmp_path / "cut"
    cut.mkdir()
    process = subprocess.Popen(
        command(*steps, "export.path=resumed.safetensors"),
        cwd=cut,
        stderr=subprocess.PIPE,
        text=True,
    )
    events = cut / "outputs" / "flow_field"
    deadline = time.monotonic() + 120
    while not list(events.glob("*/events.*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)  # some steps into the run
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 128 + number, errors
    assert "resume=last" in errors or "resume=last" in (_runs(cut)[0] / "train.log").read_text()
    assert not (cut / "resumed.safetensors").exists()
    again = train(cut, *steps, "export.path=resumed.safetensors", "resume=last")
    assert again.returncode == 0, again.stderr
    assert len(_runs(cut)) == 1, "a resumed run goes on in its own folder"
    whole, resumed = _weights(tmp_path / "whole.safetensors"), _weights(cut / "resumed.safetensors")
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


@pytest.mark.slow
def test_two_processes_train_like_one_with_the_same_global_batch(
    tmp_path: Path, photo_folder: Path
) -> None:
    results = []
    for name, trainer in (
        ("one", ("trainer=cpu",)),
        ("two", ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2")),
    ):
        folder = tmp_path / name
        folder.mkdir()
        run = train(
            folder,
            *trainer,
            f"data.root={photo_folder}",
            "trainer.max_steps=4",
            "trainer.val_check_interval=4",
            "export.path=out.safetensors",
            "export.half=false",
        )
        assert run.returncode == 0, run.stderr
        [output] = _runs(folder)
        assert len(list(output.glob("events.*"))) == 1
        assert [p.name for p in output.glob("*.log")] == ["train.log"]
        events = EventAccumulator(str(output)).Reload()
        results.append([e.value for tag in ("train/loss", "val/loss") for e in events.Scalars(tag)])
    assert results[0] == pytest.approx(results[1], rel=1e-4)


@pytest.mark.slow
def test_a_sweep_trains_every_style(tmp_path: Path, photo_folder: Path) -> None:
    image = ROOT / "src" / "faststyle" / "assets" / "flow_field.png"
    run = train(
        tmp_path,
        "-m",
        "style=flow_field,mine",
        f"++style.image={image}",
        f"data.root={photo_folder}",
        "trainer.max_steps=1",
    )
    assert run.returncode == 0, run.stderr
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == [
        "flow_field.safetensors",
        "mine.safetensors",
    ]
    assert sorted(p.name for p in (tmp_path / "outputs").iterdir() if p.is_dir()) == [
        "flow_field",
        "mine",
    ]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("style=stary_night",), 'unknown style "stary_night": did you mean "starry_night"'),
        (("style=mine",), "style.image has no value; pass style.image="),
        (("style.image=broken.jpg", "data.root=."), "broken.jpg is not a picture"),
        (("data.root=.", "export.path=/proc/x/y.safetensors"), "/proc/x"),
        (("data.root=absent",), "no such photo folder: absent"),
        (("data.root=empty",), "empty holds no pictures"),
        (("data.root=only_broken",), "none of the 1 photos could be read"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    tmp_path: Path, overrides: tuple[str, ...], message: str
) -> None:
    for name in ("empty", "only_broken"):
        (tmp_path / name).mkdir()
    for name in ("broken.jpg", "only_broken/a.jpg"):
        (tmp_path / name).write_text("broken")
    run = train(tmp_path, *overrides)
    assert run.returncode == 2
    errors = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in run.stderr
    assert not list(tmp_path.rglob("*.safetensors"))
