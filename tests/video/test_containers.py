"""Every format of clips, with pictures, times and sound."""

from pathlib import Path

import av
import numpy as np
import pytest

from faststyle.files.clip_formats import CLIP_FORMATS
from tests.video.made import (
    RATE,
    MakeClip,
    Said,
    difference,
    frame,
    moving,
    tone_of,
    write,
)


@pytest.mark.parametrize("suffix", CLIP_FORMATS)
def test_every_format_keeps_pictures_times_and_sound(
    tmp_path: Path, make_clip: MakeClip, said: Said, suffix: str
) -> None:
    clip = make_clip(tmp_path / "a.mp4", count=12)
    said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        shown = [(f.time, f.to_ndarray(format="rgb24")) for f in written.decode(video=0)]
        assert bool(written.streams.audio) == (suffix != ".gif")
    first = shown[0][0]
    for number in (0, 5, 11):
        at = number / 10 + 0.04  # within the time that the frame is shown
        found = [pixels for time, pixels in shown if time - first <= at][-1]
        assert difference(found, frame((48, 64), number)) < 8, number
    assert shown[-1][0] - first == pytest.approx(1.1, abs=0.06)
    if suffix != ".gif":
        frequency, seconds = tone_of(tmp_path / f"b{suffix}")
        assert frequency == pytest.approx(0.06 * RATE / (2 * np.pi), rel=0.01)
        assert seconds == pytest.approx(1.2, abs=0.1)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mpg"])
def test_a_better_quality_takes_more_bytes(tmp_path: Path, said: Said, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 20, (30, 96, 128, 3), dtype=np.uint8)
    frames = [each + grain for each, grain in zip(moving(30, (96, 128)), noise, strict=True)]
    clip = write(tmp_path / "a.mkv", frames, "ffv1", "bgr0")
    sizes = []
    for quality in (20, None, 95):
        said.stylize(clip, tmp_path / f"b{quality}{suffix}", quality=quality)
        sizes.append((tmp_path / f"b{quality}{suffix}").stat().st_size)
    assert sizes == sorted(set(sizes))
