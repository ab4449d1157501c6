"""What containers say of a frame's shape: aspect of pixels, crop, stereo, 360 degrees."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type

from faststyle.files.clip_formats import CLIP_FORMATS
from tests.video.boxes import add_box, box
from tests.video.made import Said, difference, frames_of, moving, write

WIDE = Fraction(4, 3)


def shown_aspect(path: Path) -> float:
    """Width for height, as it is shown."""
    with av.open(str(path)) as clip:
        video = clip.streams.video[0]
        width, height = video.codec_context.width, video.codec_context.height
        return width / height * float(video.sample_aspect_ratio or 1)


def anamorphic(path: Path, degrees: int = 0, size: tuple[int, int] = (48, 64)) -> Path:
    def change(video: Any) -> None:
        video.codec_context.sample_aspect_ratio = WIDE
        if degrees:
            video.set_display_rotation(degrees)

    return write(path, moving(20, size), "libx264", "yuv420p", change=change, crf="4")


@pytest.mark.parametrize("suffix", CLIP_FORMATS)
def test_pixels_are_shown_as_wide_as_they_were(tmp_path: Path, said: Said, suffix: str) -> None:
    clip = anamorphic(tmp_path / "a.mp4")
    assert said.stylize(clip, tmp_path / f"b{suffix}").strip() == ""
    assert shown_aspect(tmp_path / f"b{suffix}") == pytest.approx(64 / 48 * 4 / 3, rel=0.02)


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".webm"])
def test_pixels_of_transparent_frames_are_shown_as_wide(
    tmp_path: Path, said: Said, suffix: str
) -> None:
    def change(video: Any) -> None:
        video.codec_context.sample_aspect_ratio = WIDE

    frames = [np.full((48, 64, 4), 128, np.uint8)] * 3
    clip = write(tmp_path / "a.mov", frames, "qtrle", "argb", "rgba", change)
    assert shown_aspect(clip) == pytest.approx(16 / 9, rel=0.01)
    said.stylize(clip, tmp_path / f"b{suffix}")
    assert shown_aspect(tmp_path / f"b{suffix}") == pytest.approx(16 / 9, rel=0.02)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv"])
@pytest.mark.parametrize("size", [(48, 48), (48, 64), (64, 48)])
def test_pixels_are_turned_with_the_frame(
    tmp_path: Path, said: Said, size: tuple[int, int], suffix: str
) -> None:
    clip = anamorphic(tmp_path / "a.mp4", 90, size)
    said.stylize(clip, tmp_path / f"b{suffix}")
    expected = size[0] / (size[1] * 4 / 3)
    assert shown_aspect(tmp_path / f"b{suffix}") == pytest.approx(expected, rel=0.03)


def with_bars(path: Path, turned: int = 0) -> Path:
    """Frames of 64 x 48, of which the outer 8 pixels are white and are not to be shown."""
    pixels = np.full((48, 64, 3), 255, np.uint8)
    pixels[8:-8, 8:-8] = (30, 120, 40)

    def change(video: Any) -> None:
        video.set_display_rotation(turned)

    write(path, [pixels] * 3, "libx264", "yuv420p", change=change, crf="4")
    add_box(path, box(b"clap", struct.pack(">8I", 48, 1, 32, 1, 0, 1, 0, 1)))
    return path


def copy_to(clip: Path, path: Path) -> None:
    """The film alone in another container."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as made:
        video = made.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                made.mux(packet)


@pytest.mark.parametrize("turned", [0, 90])
@pytest.mark.parametrize("container", [".mp4", ".mkv"])
def test_what_the_container_crops_is_not_painted(
    tmp_path: Path, said: Said, container: str, turned: int
) -> None:
    clip = with_bars(tmp_path / "a.mp4", turned)
    if container == ".mkv":  # to which FFmpeg takes the crop along
        copy_to(clip, tmp_path / "a.mkv")
        clip = tmp_path / "a.mkv"
    said.stylize(clip, tmp_path / "b.mkv")
    found = frames_of(tmp_path / "b.mkv")[0]
    assert found.shape[:2] == ((48, 32) if turned else (32, 48))
    assert difference(found, np.full_like(found, (30, 120, 40))) < 8


def stereo_of(path: Path) -> int:
    """FFmpeg's AVStereo3DType: 1 is side by side, 2 above each other; 0 is no such mark."""
    with av.open(str(path)) as clip:
        found: Any = next(clip.decode(video=0)).side_data
        mark = found.get(Type.STEREO3D)
        return 0 if mark is None else int(struct.unpack_from("i", bytes(mark))[0])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi", ".mpg", ".gif"])
@pytest.mark.parametrize(("mode", "kind"), [(2, 1), (1, 2)])
def test_two_views_stay_marked_or_it_is_said(
    tmp_path: Path, said: Said, suffix: str, mode: int, kind: int
) -> None:
    clip = write(tmp_path / "a.mp4", moving(20), "libx264", "yuv420p")
    add_box(clip, box(b"st3d", struct.pack(">IB", 0, mode)))
    assert stereo_of(clip) == kind
    words = said.stylize(clip, tmp_path / f"b{suffix}")
    is_kept = suffix in (".mp4", ".mkv", ".webm", ".avi")
    assert stereo_of(tmp_path / f"b{suffix}") == (kind if is_kept else 0)
    assert ("its mark of two views (stereo) is left out" in words) is not is_kept


def test_two_views_that_the_film_itself_marks_stay_marked(tmp_path: Path, said: Said) -> None:
    options: dict[str, Any] = {"x264-params": "frame-packing=4"}
    clip = write(tmp_path / "a.mp4", moving(3), "libx264", "yuv420p", **options)
    for suffix in (".mp4", ".ts", ".webm"):
        said.stylize(clip, tmp_path / f"b{suffix}")
        assert stereo_of(tmp_path / f"b{suffix}") == 2


def around_of(path: Path) -> tuple[int, ...]:
    """FFmpeg's AVSphericalMapping: projection, yaw, pitch, roll, bounds; nothing without it."""
    with av.open(str(path)) as clip:
        found: Any = next(clip.decode(video=0)).side_data
        mark = found.get(Type.SPHERICAL)
        return () if mark is None else struct.unpack_from("8i", bytes(mark))


def around(path: Path, *kind: bytes, turned: int = 0) -> Path:
    def change(video: Any) -> None:
        video.set_display_rotation(turned)

    write(path, moving(3), "libx264", "yuv420p", change=change)
    pose = struct.pack(">4x3i", 90 << 16, -(1 << 16), 5 << 15)
    inside = box(b"proj", box(b"prhd", pose), *kind)
    add_box(path, box(b"sv3d", box(b"svhd", bytes(5)), inside))
    return path


@pytest.mark.parametrize(
    "kind",
    [
        box(b"equi", bytes(20)),
        box(b"equi", struct.pack(">4x4I", 0, 0, 1 << 30, 1 << 30)),  # half of a sphere
        box(b"cbmp", bytes(12)),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v", ".mkv", ".webm", ".gif"])
def test_a_mark_of_360_degrees_is_kept_in_mp4_and_else_said(
    tmp_path: Path, said: Said, suffix: str, kind: bytes
) -> None:
    clip = around(tmp_path / "a.mp4", kind)
    words = said.stylize(clip, tmp_path / f"b{suffix}", size=24)
    is_kept = suffix in (".mp4", ".mov", ".m4v")
    assert around_of(tmp_path / f"b{suffix}") == (around_of(clip) if is_kept else ())
    assert ("its 360-degree mark is left out" in words) is not is_kept
    assert len(frames_of(tmp_path / f"b{suffix}")) == 3


def test_a_mark_of_360_degrees_comes_from_matroska_too(tmp_path: Path, said: Said) -> None:
    clip = around(tmp_path / "a.mp4", box(b"equi", bytes(20)))
    copy_to(clip, tmp_path / "a.mkv")
    assert said.stylize(tmp_path / "a.mkv", tmp_path / "b.mp4").strip() == ""
    assert around_of(tmp_path / "b.mp4") == around_of(clip)


def test_marks_of_frames_that_are_turned_are_said_to_be_lost(tmp_path: Path, said: Said) -> None:
    clip = around(tmp_path / "a.mp4", box(b"equi", bytes(20)), turned=90)
    add_box(clip, box(b"st3d", bytes(4), b"\2"))
    words = said.stylize(clip, tmp_path / "b.mp4")
    assert "its 360-degree mark is left out" in words
    assert "its mark of two views (stereo) is left out" in words
    assert (around_of(tmp_path / "b.mp4"), stereo_of(tmp_path / "b.mp4")) == ((), 0)


def test_two_views_stay_marked_in_h265(tmp_path: Path, said: Said) -> None:
    clip = write(tmp_path / "a.mp4", moving(3, (64, 64)), "libx264", "yuv420p")
    add_box(clip, box(b"st3d", bytes(4), b"\1"))
    assert said.stylize(clip, tmp_path / "b.mp4", bit_depth=10).strip() == ""
    assert stereo_of(tmp_path / "b.mp4") == 2


def test_dolby_vision_of_profile_5_is_named(tmp_path: Path, said: Said) -> None:
    def change(video: Any) -> None:
        video.codec_context.codec_tag = "hvc1"

    options: dict[str, Any] = {"x265-params": "log-level=error"}
    frames = moving(3, (64, 64))
    clip = write(tmp_path / "a.mp4", frames, "libx265", "yuv420p10le", change=change, **options)
    add_box(clip, box(b"dvcC", bytes([1, 0, 5 << 1, 1 << 3 | 5, 0]), bytes(19)), b"hvc1")
    words = said.stylize(clip, tmp_path / "b.mp4", failed=1)
    assert "its colors are stored as IPT-C2 (Dolby Vision profile 5), which is not read" in words


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif"])
def test_an_odd_row_and_column_are_kept_in_gif_and_else_said(
    tmp_path: Path, said: Said, suffix: str
) -> None:
    clip = write(tmp_path / "a.mkv", [np.full((33, 45, 3), 128, np.uint8)] * 3, "ffv1", "bgr0")
    words = said.stylize(clip, tmp_path / f"b{suffix}")
    found = frames_of(tmp_path / f"b{suffix}")[0]
    assert found.shape[:2] == ((33, 45) if suffix == ".gif" else (32, 44))
    assert ("45 x 33 pixels: what is odd" in words) is (suffix != ".gif")


@pytest.mark.parametrize("bits", [10, 12])
def test_fewer_bits_are_said(tmp_path: Path, said: Said, bits: int) -> None:
    pixels = np.full((48, 64, 3), 30000, np.uint16)
    clip = write(tmp_path / "a.mkv", [pixels] * 3, "ffv1", f"yuv420p{bits}le", "rgb48le")
    assert f"{bits} bits a channel become 8" in said.stylize(clip, tmp_path / "b.mp4")
    words = said.stylize(clip, tmp_path / "b.mp4", bit_depth=10)
    assert ("become 10" in words) is (bits > 10)
