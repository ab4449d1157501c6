"""When frames are shown, in whole clips and in sections."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.video.made import (
    MakeClip,
    Pixels,
    Said,
    difference,
    frame,
    frames_of,
    moving,
    tone_of,
    write,
)


def test_a_format_of_one_rate_keeps_the_rate(
    tmp_path: Path, make_clip: MakeClip, said: Said
) -> None:
    said.stylize(make_clip(tmp_path / "a.mp4", count=8), tmp_path / "b.avi")
    assert len(frames_of(tmp_path / "b.avi")) == 8
    late = make_clip(tmp_path / "c.mp4", count=4, times=[0, 10, 50, 60], sound=False)
    said.stylize(late, tmp_path / "d.avi")
    with av.open(str(tmp_path / "d.avi")) as written:
        seconds = max(f.time for f in written.decode(video=0))
    assert seconds == pytest.approx(0.6, abs=0.15), "a gap stays as long as it was"


def test_interlaced_frames_are_made_whole_and_this_is_said(tmp_path: Path, said: Said) -> None:
    frames = []
    for index in range(8):  # lines of two moments: combs at the edges of what moves
        even, odd = frame((48, 64), 4 * index), frame((48, 64), 4 * index + 2)
        even[1::2] = odd[1::2]
        frames.append(even)
    flags: dict[str, Any] = {"flags": "+ilme+ildct", "x264-params": "tff=1", "crf": "4"}
    clip = write(tmp_path / "a.mp4", frames, "libx264", "yuv420p", **flags)
    assert "interlaced: written as whole frames" in said.stylize(clip, tmp_path / "b.mkv")
    found = frames_of(tmp_path / "b.mkv")
    assert len(found) == 8
    with av.open(str(tmp_path / "b.mkv")) as written:
        times = [f.time for f in written.decode(video=0)]
    assert times == pytest.approx([index / 10 for index in range(8)], abs=0.002)

    def combs(pixels: Pixels) -> float:
        gray = pixels.astype(int).sum(2)
        return float(np.abs(2 * gray[9:22] - gray[8:21] - gray[10:23]).mean())

    assert combs(found[3]) < combs(frames[3]) / 3


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi", ".webm"])
def test_a_section_is_what_lies_between_start_and_end(
    tmp_path: Path, make_clip: MakeClip, said: Said, suffix: str
) -> None:
    clip = make_clip(tmp_path / "a.mp4", count=40)
    words = said.stylize(clip, tmp_path / f"b{suffix}", start=1.95, end=3.05)
    assert "damaged" not in words
    found = frames_of(tmp_path / f"b{suffix}")
    assert len(found) == 11
    for index in (0, 10):
        assert difference(found[index], frame((48, 64), 20 + index)) < 8
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        first = next(written.decode(video=0)).time
    assert first == pytest.approx(0.05, abs=0.06)
    _, seconds = tone_of(tmp_path / f"b{suffix}")
    assert seconds == pytest.approx(1.1, abs=0.1)


def test_a_section_of_a_stream_without_an_index_is_whole(
    tmp_path: Path, make_clip: MakeClip, said: Said
) -> None:
    clip = make_clip(tmp_path / "a.ts", count=60)
    said.stylize(clip, tmp_path / "b.mkv", start=2.0, end=4.0)
    found = frames_of(tmp_path / "b.mkv")
    assert len(found) == 20
    assert difference(found[0], frame((48, 64), 20)) < 8
    raw = make_clip(tmp_path / "a.h264", count=30, sound=False)
    said.stylize(raw, tmp_path / "c.mkv", start=1.0)
    assert frames_of(tmp_path / "c.mkv"), "at whatever rate it is taken for"


def test_a_section_after_the_end_is_refused(
    tmp_path: Path, make_clip: MakeClip, said: Said
) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    assert "ends after 1.2 s, before --start 5" in said.stylize(
        clip, tmp_path / "b.mp4", failed=1, start=5
    )


def test_a_clip_that_begins_late_begins_at_once(
    tmp_path: Path, make_clip: MakeClip, said: Said
) -> None:
    """As recordings of broadcasts do, whose clocks have run for days."""
    plain, late = make_clip(tmp_path / "a.mp4"), tmp_path / "late.ts"
    with av.open(str(plain)) as source, av.open(str(late), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.pts is not None and packet.dts is not None:
                assert packet.time_base is not None
                shift = round(4000 / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    for suffix in (".mp4", ".avi", ".mpg"):
        said.stylize(late, tmp_path / f"b{suffix}")
        with av.open(str(tmp_path / f"b{suffix}")) as written:
            begins = [float((s.start_time or 0) * (s.time_base or 1)) for s in written.streams]
            assert max(begins) < 1, suffix
            assert abs(begins[0] - begins[1]) < 0.2, "sound and pictures together"


def test_a_gif_is_not_faster_than_browsers_show_it(tmp_path: Path, said: Said) -> None:
    clip = tmp_path / "a.mkv"
    with av.open(str(clip), "w") as container:
        video: Any = container.add_stream("libx264", rate=120)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for index, pixels in enumerate(moving(24)):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 120)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    words = said.stylize(clip, tmp_path / "b.gif")
    assert "16 frames left out: it shows 50 a second at most" in words
    with av.open(str(tmp_path / "b.gif")) as written:
        times = [float(f.time) for f in written.decode(video=0)]
    assert np.diff(times).min() >= 0.0199
    assert times[-1] == pytest.approx(0.19, abs=0.03)


def write_still(path: Path, shown: Sequence[int]) -> Path:
    """Frames that are shown from these tenths of a second on."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for index, time in enumerate(shown):
            picture = av.VideoFrame.from_ndarray(frame((48, 64), 4 * index), format="rgb24")
            picture.pts, picture.time_base = time, Fraction(1, 10)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    return path


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as written:
        return [float(f.time) for f in written.decode(video=0)]


@pytest.mark.parametrize("suffix", [".avi", ".mpg", ".wmv", ".mkv"])
def test_a_picture_may_be_shown_for_minutes(tmp_path: Path, said: Said, suffix: str) -> None:
    clip = write_still(tmp_path / "a.mkv", [0, 700, 710])
    assert said.stylize(clip, tmp_path / f"b{suffix}").strip() == ""
    times = times_of(tmp_path / f"b{suffix}")
    assert times[-1] - times[0] == pytest.approx(71, abs=0.2)


def test_what_a_section_begins_and_ends_with_is_held(tmp_path: Path, said: Said) -> None:
    clip = write_still(tmp_path / "a.mkv", [0, 40, 80, 120])
    said.stylize(clip, tmp_path / "b.mkv", start=5, end=10)
    found = frames_of(tmp_path / "b.mkv")
    assert times_of(tmp_path / "b.mkv") == pytest.approx([0, 3, 4.9], abs=0.002)
    for pixels, number in zip(found, (1, 2, 2), strict=True):
        assert difference(pixels, frame((48, 64), 4 * number)) < 8
    said.stylize(clip, tmp_path / "c.mkv", start=5, end=7)
    assert times_of(tmp_path / "c.mkv") == pytest.approx([0, 1.9], abs=0.002)


def test_frames_of_avi_come_in_the_order_in_which_they_are_shown(
    tmp_path: Path, said: Said
) -> None:
    """Its packets have no times but their place, and these frames lean on later ones."""
    clip = write(tmp_path / "a.avi", moving(20), "libx264", "yuv420p", bf="3", crf="4")
    assert said.stylize(clip, tmp_path / "b.mkv").strip() == ""
    found = frames_of(tmp_path / "b.mkv")
    assert len(found) == 20
    for number, pixels in enumerate(found):
        assert difference(pixels, frame((48, 64), number)) < 8, number
    assert times_of(tmp_path / "b.mkv") == pytest.approx([i / 10 for i in range(20)], abs=0.002)
