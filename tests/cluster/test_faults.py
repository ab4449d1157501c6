"""What breaks while a training runs: processes, the disk, shards, connections.

FAULTS=10 pytest tests/cluster/test_faults.py kills ten times each.
"""

import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch

from faststyle.core.torch_files import read_torch
from faststyle.data.loader import StepSampler
from faststyle.data.prepare import prepare
from faststyle.styles import read_style
from tests.broken_line import BrokenLine
from tests.commands import Started, start_command

TIMES = int(os.environ.get("FAULTS", "1"))
SETTINGS = [
    "experiment=smoke",
    "data.workers=1",
    "trainer.max_steps=30",
    "checkpoint_every_n_steps=5",
    "export.path=out.safetensors",
    "export.half=false",
]
DDP = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"]
pytestmark = pytest.mark.slow


def start(folder: Path, *more: str) -> Started:
    return start_command("train", *SETTINGS, *more, cwd=folder)


def finish(process: Started) -> None:
    """Wait until it has succeeded."""
    ended = process.wait(120)
    assert ended.returncode == 0, ended.stderr


def fail(process: Started) -> str:
    """Wait until it has failed in one line, which is returned."""
    ended = process.wait(120)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    [line] = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    return line


def wait_for_a_checkpoint(folder: Path) -> Path:
    deadline = time.monotonic() + 120
    while not (found := list(folder.glob("outputs/*/*/checkpoints/last.ckpt"))):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found[0]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return read_style(folder / "out.safetensors").network.state_dict()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, torch.Tensor]]:
    results = {}
    for processes, settings in ((1, []), (2, DDP)):
        folder = tmp_path_factory.mktemp("undisturbed")
        finish(start(folder, *settings))
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
    wait_for_a_checkpoint(tmp_path)
    time.sleep(random.Random(time_).uniform(0, 1))
    victim(psutil.Process(process.pid)).kill()
    ended = process.wait(120)
    assert ended.returncode != 0
    with contextlib.suppress(ProcessLookupError):  # what has lost its parent, as schedulers do
        process.send_signal(signal.SIGKILL, group=True)
    assert "Traceback" not in ended.stderr
    if victim is worker:
        assert "error: a loader process was killed" in ended.stderr
    for path in tmp_path.glob("outputs/*/*/checkpoints/*.ckpt"):
        read_torch(path)  # which fails for one that is not whole
    assert not (tmp_path / "out.safetensors").exists()
    finish(start(tmp_path, *settings, "resume=last"))
    same(undisturbed[2 if settings else 1], weights(tmp_path))


def same(expected: dict[str, torch.Tensor], found: dict[str, torch.Tensor]) -> None:
    assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_a_full_disk_keeps_the_last_checkpoint_from_which_the_run_goes_on(
    tmp_path: Path, small_disk: Path, undisturbed: dict[int, dict[str, torch.Tensor]]
) -> None:
    process = start(tmp_path)
    last = wait_for_a_checkpoint(tmp_path)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert f"No space left on device: {last.parents[1]}" in fail(process)
    read_torch(last)
    assert not list(small_disk.rglob("*.tmp*"))
    filler.unlink()
    finish(start(tmp_path, "resume=last"))
    same(undisturbed[1], weights(tmp_path))


SHARDS, PHOTOS = 15, 4  # of each
IN_SHARDS = ["data=coco", "trainer.max_steps=15", "checkpoint_every_n_steps=2"]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory, make_photo: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed in range(SHARDS * PHOTOS + 2):
        make_photo(folder / "photos" / f"{seed}.png", 160, 128, seed=seed)
    prepare(folder / "photos", folder, short_side=128, photos_per_shard=PHOTOS, held_out=2)
    return folder


@pytest.fixture(scope="module")
def from_shards(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The weights of a run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    finish(train_on(shards, folder))
    return weights(folder)


def train_on(root: object, folder: Path, *more: str) -> Started:
    folder.mkdir(exist_ok=True)
    return start(folder, *IN_SHARDS, f"data.root={root}", f"data.cache={folder}", *more)


def needed_last() -> str:
    """The name of a shard that the run does not need before its second half."""
    *_, batch = StepSampler(SHARDS * PHOTOS, 4, 15, groups=[PHOTOS] * SHARDS)
    return f"{batch[-1].photo // PHOTOS:05d}.tar"


def test_a_shard_that_cannot_be_fetched_ends_the_run_until_it_can(
    tmp_path: Path,
    shards: Path,
    from_shards: dict[str, torch.Tensor],
    upload: Callable[[Path], str],
) -> None:
    import s3fs

    address, lost = upload(shards), needed_last()
    s3fs.S3FileSystem().rm(f"{address}/{lost}")
    line = fail(train_on(address, tmp_path))
    assert f"{address}/{lost} cannot be fetched" in line
    assert "resume=last" in line
    assert not list(tmp_path.rglob(f"*{lost}"))
    s3fs.S3FileSystem().put(str(shards / lost), f"{address}/{lost}")
    finish(train_on(address, tmp_path, "resume=last"))
    same(from_shards, weights(tmp_path))


def test_a_connection_that_breaks_off_is_taken_up_where_it_broke(
    tmp_path: Path,
    shards: Path,
    from_shards: dict[str, torch.Tensor],
    upload: Callable[[Path], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = upload(shards)
    line = BrokenLine(os.environ["AWS_ENDPOINT_URL"], after=20_000, times=3)
    with line.serving():
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.address)
        finish(train_on(address, tmp_path))
    assert line.times == 0, "it broke off as often as it should"
    same(from_shards, weights(tmp_path))


def test_damaged_shards_are_named_and_replaced_by_the_same_photos_after_a_resume(
    tmp_path: Path, shards: Path
) -> None:
    damaged = tmp_path / "shards"
    shutil.copytree(shards, damaged, ignore=shutil.ignore_patterns("photos"))
    for name in ("00003.tar", needed_last()):
        content = bytearray((damaged / name).read_bytes())
        content[600:620] = bytes(20)
        (damaged / name).write_bytes(content)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(train_on(damaged, whole))
    process = train_on(damaged, killed, "data.workers=2")
    wait_for_a_checkpoint(killed)
    process.send_signal(signal.SIGKILL)
    process.wait(120)
    finish(train_on(damaged, killed, "resume=last"))
    same(weights(whole), weights(killed))
    [said] = whole.glob("outputs/*/*/train.log")
    assert f"{needed_last()} is damaged or gone; its {PHOTOS} photos" in said.read_text()
    assert "8 photos could not be read and were skipped" in said.read_text()
