"""What breaks while pictures are stylized by the thousand: processes, machines, disks, lines.

FAULTS=10 pytest tests/cluster/test_bulk.py kills ten times each.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, write_style
from tests.broken_line import BrokenLine
from tests.commands import Started, start_command

TIMES = int(os.environ.get("FAULTS", "1"))
COUNT = 160
Results = dict[str, bytes]
ENGINES = ["local", "ray"]
pytestmark = pytest.mark.slow

#: In the place of a large picture: storing a result takes its time, so that whoever is disturbed is
#: so in the midst of the work. Two processes need a second at least for what comes after the first
#: of sixteen shards.
SLOWLY = """
import os, time
replace = os.replace
def slowly(*args, **more):
    time.sleep(0.015)
    replace(*args, **more)
os.replace = slowly
"""
#: Seconds after which much is left to do, even when they have passed twice.
SOON = 0.3

#: Storage that fails has less time to come back.
IMPATIENT = """
import time
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.1))
"""

#: In the place of a decoder that crashes: whoever opens a picture called so is killed.
CRASHES = """
import os, signal
from PIL import ImageFile
load = ImageFile.ImageFile.load
def crash(image, *args, **more):
    if "poison" in str(getattr(image.fp, "name", "")):
        os.kill(os.getpid(), signal.SIGKILL)
    return load(image, *args, **more)
ImageFile.ImageFile.load = crash
"""


@contextlib.contextmanager
def changed_python(folder: Path, code: str) -> Iterator[None]:
    """Processes that import all anew, as engines' do, run this code first."""
    (folder / "sitecustomize.py").write_text(code)
    with pytest.MonkeyPatch.context() as change:
        change.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        yield


@pytest.fixture(scope="module", autouse=True)
def slowly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("slowly")
    with changed_python(folder, SLOWLY), pytest.MonkeyPatch.context() as change:
        change.setenv("RAY_ADDRESS", "local")  # each command starts a cluster, also beside another
        yield


def tiny(folder: Path, numbers: range) -> Path:
    """Pictures of 24 x 16 pixels, each of which is another."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        pixels = np.random.default_rng(number).integers(0, 255, (16, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04d}.png")
    return folder


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("style") / "night.safetensors"
    network = TransformNetwork(width=2, blocks=0)
    write_style(TrainedStyle(network, StyleMetadata(style="night")), path)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("photos"), range(COUNT))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, style: Path, photos: Path) -> Results:
    """What one process makes of the photos, without an engine."""
    out = tmp_path_factory.mktemp("undisturbed")
    ended = start_command("stylize", photos, "--ckpt", style, "--output", out).wait(300)
    assert ended.returncode == 0, ended.stderr
    return results(out)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of Ray's, which has one machine of two cores."""
    utils = pytest.importorskip("ray.cluster_utils")
    cluster = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    yield cluster
    cluster.shutdown()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "ray":
        pytest.importorskip("ray")
    return str(request.param)


def results(folder: Path) -> Results:
    """Every result by its name; notes, and what a killed process was writing, are hidden."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("[!.]*"))}


def start(photos: object, style: object, out: object, *more: str) -> Started:
    words = [str(photos), "--ckpt", str(style), "--output", str(out), *more]
    return start_command("stylize", *words)


def finish(process: Started, status: int = 0) -> str:
    """Wait until it has ended with that status; returns what it said."""
    ended = process.wait(280)
    assert ended.returncode == status, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def first(count: int, photos: Path, folder: Path) -> Path:
    """A folder of the first of the photos."""
    folder.mkdir()
    for path in sorted(photos.iterdir())[:count]:
        (folder / path.name).hardlink_to(path)
    return folder


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (out / ".faststyle" / "done").glob("*.json")]


def wait_for_records(out: Path, count: int = 1) -> None:
    deadline = time.monotonic() + 120
    while len(list((out / ".faststyle" / "done").glob("*.json"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def actors(main: int) -> list[psutil.Process]:
    """The processes that do the work."""
    found = []
    for child in psutil.Process(main).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            words = " ".join(child.cmdline())
            # Forks of a child that has imported what they need, or Ray's.
            forked = "multiprocessing.forkserver" in words and child.ppid() != main
            if forked or words.startswith("ray::_Remote"):
                found.append(child)
    return found


def same(out: Path, expected: Results) -> None:
    """Each result is there, whole and right, and noted once; nothing else is."""
    found = results(out)
    assert found.keys() == expected.keys()
    assert found == expected
    noted = Counter(target for record in records(out) for target, _ in record["done"])
    assert noted.keys() == expected.keys()


@pytest.mark.parametrize("time_", range(TIMES))
def test_every_picture_is_done_though_processes_are_killed(
    tmp_path: Path,
    style: Path,
    photos: Path,
    undisturbed: Results,
    engine: str,
    time_: int,
) -> None:
    chance, out = random.Random(time_), tmp_path / "out"
    process = start(photos, style, out, "--engine", engine, "--actors", "2")
    wait_for_records(out)
    for _ in range(2):
        time.sleep(chance.uniform(0, SOON))
        chance.choice(actors(process.pid)).kill()
    assert f"{COUNT:,} done, 0 skipped, 0 failed" in finish(process)
    same(out, undisturbed)


@pytest.mark.parametrize("time_", range(TIMES))
def test_a_killed_command_does_the_rest_when_it_is_started_again(
    tmp_path: Path,
    style: Path,
    photos: Path,
    undisturbed: Results,
    engine: str,
    time_: int,
) -> None:
    chance, out = random.Random(time_), tmp_path / "out"
    process = start(photos, style, out, "--engine", engine, "--actors", "2")
    wait_for_records(out)
    time.sleep(chance.uniform(0, SOON))
    process.send_signal(signal.SIGKILL, group=chance.random() < 0.5)
    process.wait(60)
    before = results(out)
    for name, content in before.items():
        assert content == undisturbed[name], f"{name} is whole"
    done = sum(len(record["done"]) for record in records(out))
    said = finish(start(photos, style, out, "--engine", engine, "--actors", "2"))
    skipped = int(said.partition(" skipped")[0].rpartition(" ")[2].replace(",", ""))
    assert done <= skipped < COUNT
    same(out, undisturbed)


@pytest.mark.parametrize("time_", range(TIMES))
def test_every_picture_is_done_though_a_machine_of_the_cluster_is_lost(
    tmp_path: Path,
    style: Path,
    photos: Path,
    undisturbed: Results,
    cluster: Any,
    time_: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance, out = random.Random(time_), tmp_path / "out"
    other = cluster.add_node(num_cpus=1)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    process = start(photos, style, out, "--engine", "ray", "--actors", "3")  # one on the other
    wait_for_records(out, 4)
    time.sleep(chance.uniform(0, SOON))
    cluster.remove_node(other, allow_graceful=False)
    assert f"{COUNT:,} done, 0 skipped, 0 failed" in finish(process)
    same(out, undisturbed)


def test_a_photo_that_kills_processes_is_given_up_and_listed(
    tmp_path: Path,
    style: Path,
    engine: str,
) -> None:
    photos, out = tiny(tmp_path / "in", range(60)), tmp_path / "out"
    (photos / "0007.png").rename(photos / "poison.png")
    (photos / "0030.png").write_text("no picture")
    with changed_python(tmp_path, CRASHES):
        said = finish(start(photos, style, out, "--engine", engine, "--actors", "2"), status=2)
    assert "58 done, 0 skipped, 2 failed" in said
    assert "2 of 60 pictures could not be stylized" in said
    listed = [
        json.loads(line) for line in (out / ".faststyle" / "failed.jsonl").read_text().splitlines()
    ]
    reasons = {each["target"]: each["reason"] for each in listed}
    assert reasons.keys() == {"poison.png", "0030.png"}
    assert "2 processes died of it" in reasons["poison.png"]
    assert "is not a picture" in reasons["0030.png"]
    assert len(results(out)) == 58


def test_a_line_that_breaks_loses_nothing(
    tmp_path: Path,
    style: Path,
    photos: Path,
    undisturbed: Results,
    upload: Callable[[Path], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import s3fs

    some, few = first(64, photos, tmp_path / "in"), dict(list(undisturbed.items())[:64])
    address = upload(some)
    out = address.replace("coco", "out")
    line = BrokenLine(os.environ["AWS_ENDPOINT_URL"], after=500, times=20, every=2)
    with line.serving():
        direct = os.environ["AWS_ENDPOINT_URL"]
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.address)
        said = finish(start(address, style, out, "--actors", "2"))
        monkeypatch.setenv("AWS_ENDPOINT_URL", direct)
    assert line.times < 20, "it broke"
    assert "64 done, 0 skipped, 0 failed" in said
    s3fs.S3FileSystem().get(f"{out}/", f"{tmp_path / 'out'}/", recursive=True)
    same(tmp_path / "out", few)


def test_a_full_disk_stops_the_job_which_then_goes_on(
    tmp_path: Path, small_disk: Path, style: Path, photos: Path, undisturbed: Results
) -> None:
    filler = small_disk / "filler"
    with changed_python(tmp_path, SLOWLY + IMPATIENT):
        process = start(photos, style, small_disk, "--engine", "local")
    wait_for_records(small_disk)
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    said = finish(process, status=2)
    assert "error: No space left on device" in said
    filler.unlink()
    finish(start(photos, style, small_disk, "--engine", "local"))
    same(small_disk, undisturbed)


@pytest.mark.parametrize("node_is_lost", [False, True])
def test_jobs_of_slurm_give_the_same_bytes_though_a_node_is_lost(
    tmp_path: Path,
    style: Path,
    photos: Path,
    undisturbed: Results,
    slurm: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    node_is_lost: bool,
) -> None:
    out = tmp_path / "out"
    for name, value in slurm.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    process = start(photos, style, out, "--engine", "slurm", "--actors", "2")
    if node_is_lost:
        wait_for_records(out)
        for state in ("down", "resume"):
            change = ["nodename=node2", f"state={state}", "reason=repair"]
            subprocess.run(["scontrol", "update", *change], env=slurm, check=True)
    assert f"{COUNT:,} done, 0 skipped, 0 failed" in finish(process)
    same(out, undisturbed)


def test_ctrl_c_ends_after_the_picture_in_hand_and_the_rest_is_done_later(
    tmp_path: Path,
    style: Path,
    photos: Path,
    undisturbed: Results,
    engine: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    if engine == "ray":  # others start and end one of their own
        monkeypatch.setenv("RAY_ADDRESS", request.getfixturevalue("cluster").address)
    process = start(photos, style, out, "--engine", engine, "--actors", "2")
    wait_for_records(out)
    process.send_signal(signal.SIGINT, group=True)
    said = finish(process, status=130)
    assert "the same command does the rest" in said
    found = results(out)
    noted = {target for record in records(out) for target, _ in record["done"]}
    assert found.keys() == noted, "what is there is noted"
    finish(start(photos, style, out, "--engine", engine, "--actors", "2"))
    same(out, undisturbed)
