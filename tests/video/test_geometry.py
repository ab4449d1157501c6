"""Frames as the camera was held, and of any size."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests.video.made import MakeClip, Said, difference, frame, frames_of, moving, write


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
@pytest.mark.parametrize("mirror", ["", "hflip", "vflip"])
def test_every_way_to_hold_a_camera_is_upright(
    tmp_path: Path, said: Said, degrees: int, mirror: str
) -> None:
    def turn(video: Any) -> None:
        video.set_display_rotation(degrees, **({mirror: True} if mirror else {}))

    clip = write(tmp_path / "a.mov", moving(3), "libx264", "yuv420p", change=turn, crf="4")
    said.stylize(clip, tmp_path / "b.mp4")
    expected = np.rot90(frame((48, 64), 0), degrees // 90)
    flips = {"": expected, "hflip": expected[:, ::-1], "vflip": expected[::-1]}
    assert difference(frames_of(tmp_path / "b.mp4")[0], flips[mirror]) < 6
    with av.open(str(tmp_path / "b.mp4")) as written:
        assert next(written.decode(video=0)).rotation == 0


def test_large_frames_go_through_strips(tmp_path: Path, make_clip: MakeClip, said: Said) -> None:
    clip = make_clip(tmp_path / "a.mp4", count=2, size=(96, 64), sound=False)
    said.stylize(clip, tmp_path / "b.mkv", tile=32)
    assert difference(frames_of(tmp_path / "b.mkv")[0], frame((96, 64), 0)) < 6


@pytest.mark.parametrize("size", [(2, 2), (17, 33), (1, 1)])
def test_small_and_odd_frames_are_written(
    tmp_path: Path, said: Said, size: tuple[int, int]
) -> None:
    pixels = np.full((*size, 3), 128, np.uint8)
    clip = write(tmp_path / "a.mkv", [pixels], "ffv1", "bgr0")
    said.stylize(clip, tmp_path / "b.mkv")
    [found] = frames_of(tmp_path / "b.mkv")
    assert abs(found.mean() - 128) < 3


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
@pytest.mark.parametrize("suffix", [".avi", ".mov"])
def test_frames_of_jpegs_with_exif_are_read_and_turned_as_the_file_says(
    tmp_path: Path, said: Said, suffix: str, rotation: int
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    clip = tmp_path / f"a{suffix}"
    pixels = frame((48, 64), 8)
    with av.open(str(clip), "w") as container:
        video: Any = container.add_stream("mjpeg", rate=10)
        video.height, video.width, video.pix_fmt = 48, 64, "yuvj420p"
        video.set_display_rotation(rotation)
        for index in range(3):
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG", quality=95, exif=exif)
            packet: Any = av.Packet(file.getvalue())
            packet.pts = packet.dts = index
            packet.time_base, packet.stream = Fraction(1, 10), video
            container.mux(packet)
    assert said.stylize(clip, tmp_path / "b.mkv").strip() == ""
    turns = rotation // 90 if suffix == ".mov" else 0  # AVI says none
    assert difference(frames_of(tmp_path / "b.mkv")[0], np.rot90(pixels, turns)) < 6
