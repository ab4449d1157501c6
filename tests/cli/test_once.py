"""A command asks each file once."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT

MakePhoto = Callable[..., Path]


def _count(*arguments: str, cwd: Path) -> dict[str, dict[str, int]]:
    """What a second run of ``faststyle stylize`` opened and called."""
    words = [sys.executable, str(ROOT / "tests" / "cli" / "counted.py"), *arguments]
    run = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=True)
    counted: dict[str, Any] = json.loads(run.stdout)
    return counted


@pytest.fixture(scope="module")
def counted(
    tmp_path_factory: pytest.TempPathFactory, make_photo: MakePhoto
) -> dict[str, dict[str, int]]:
    folder = tmp_path_factory.mktemp("photos")
    make_photo(folder / "photo.jpg", 120, 90)
    return _count("--ckpt", "starry_night", "photo.jpg", cwd=folder)


def test_a_photo_is_opened_once_and_its_style_once(counted: dict[str, dict[str, int]]) -> None:
    opened = counted["opened"]
    assert (opened["photo.jpg"], opened["starry_night.safetensors"]) == (1, 1)


def test_what_styles_say_is_read_of_that_style_alone(counted: dict[str, dict[str, int]]) -> None:
    assert counted["called"]["styles/metadata.py StyleMetadata.read"] == 1


def test_a_small_photo_takes_few_calls(counted: dict[str, dict[str, int]]) -> None:
    assert sum(counted["called"].values()) <= 800
    assert len({name.partition(" ")[0] for name in counted["called"]}) <= 36


def test_each_photo_of_a_folder_is_opened_once(tmp_path: Path, make_photo: MakePhoto) -> None:
    for number in range(3):
        make_photo(tmp_path / "in" / f"{number}.jpg", seed=number)
    counted = _count("--ckpt", "starry_night_small", "in", "--output", "out", cwd=tmp_path)
    # Their results are called alike, and are written under other names first.
    assert [counted["opened"][f"{number}.jpg"] for number in range(3)] == [1, 1, 1]


def test_each_clip_is_opened_by_ffmpeg_alone_after_its_first_bytes(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.height, video.width = 32, 48
        for _ in range(3):
            container.mux(video.encode(av.VideoFrame(48, 32, "yuv420p")))
        container.mux(video.encode(None))
    counted = _count("--ckpt", "starry_night_small", "a.mp4", "--smooth", "0", cwd=tmp_path)
    assert counted["opened"]["a.mp4"] == 1
    assert counted["called"]["video/reader.py Clip.__init__"] == 1
