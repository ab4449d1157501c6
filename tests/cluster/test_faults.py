"""kill -9 at random steps. FAULTS=10 pytest tests/cluster/test_faults.py kills ten times each."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch

from faststyle.checkpoint import read_style
from faststyle.torch_files import read_torch

ROOT = Path(__file__).resolve().parents[2]
TIMES = int(os.environ.get("FAULTS", "1"))
SETTINGS = [
    "experiment=smoke",
    "data.workers=1",
    "trainer.max_steps=60",
    "checkpoint_every_n_steps=5",
    "export.path=out.safetensors",
    "export.half=false",
]
DDP = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"]
pytestmark = pytest.mark.slow


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "scripts" / "train.py"), *SETTINGS, *more]
    return subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return read_style(folder / "out.safetensors").network.state_dict()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, torch.Tensor]]:
    results = {}
    for processes, settings in ((1, []), (2, DDP)):
        folder = tmp_path_factory.mktemp("undisturbed")
        process = start(folder, *settings)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        results[processes] = weights(folder)
    return results


def worker(main: psutil.Process) -> psutil.Process:
    # A fork, with the command line of its parent.
    return next(child for child in main.children() if child.cmdline() == main.cmdline())


def rank(main: psutil.Process) -> psutil.Process:
    return next(c for c in main.children() if any("train_ddp" in a for a in c.cmdline()))


def itself(main: psutil.Process) -> psutil.Process:
    return main


@pytest.mark.parametrize("time_", range(TIMES))
@pytest.mark.parametrize(
    ("victim", "settings"), [(worker, []), (itself, []), (rank, DDP), (itself, DDP)]
)
def test_a_killed_run_resumes_to_the_weights_of_an_undisturbed_one(
    tmp_path: Path,
    undisturbed: dict[int, dict[str, torch.Tensor]],
    victim: Callable[[psutil.Process], psutil.Process],
    settings: list[str],
    time_: int,
) -> None:
    process = start(tmp_path, *settings)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("outputs/*/*/checkpoints/last.ckpt")):
        assert time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.02)
    time.sleep(random.Random(time_).uniform(0, 1))
    victim(psutil.Process(process.pid)).kill()
    assert process.wait(timeout=120) != 0
    with contextlib.suppress(ProcessLookupError):  # what has lost its parent, as schedulers do
        os.killpg(process.pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    if victim is worker:
        assert "error: a loader process was killed" in errors
        assert "Traceback" not in errors
    for path in tmp_path.glob("outputs/*/*/checkpoints/*.ckpt"):
        read_torch(path)  # which fails for one that is not whole
    assert not (tmp_path / "out.safetensors").exists()
    again = start(tmp_path, *settings, "resume=last")
    _, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    expected, found = undisturbed[2 if settings else 1], weights(tmp_path)
    assert all(torch.equal(expected[key], found[key]) for key in expected)
