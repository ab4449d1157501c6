"""Sound is copied, encoded anew, or left out, and said to be so."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.video.made import RATE, MakeClip, Said, moving, write_silent


@pytest.mark.parametrize(
    ("codec", "suffix", "kept"),
    [
        ("flac", ".mov", "aac"),
        ("aac", ".webm", "opus"),
        ("libopus", ".avi", "mp3"),
        ("flac", ".mkv", "flac"),
        ("libopus", ".mp4", "opus"),
        ("flac", ".gif", None),
    ],
)
def test_sound_that_a_format_cannot_hold_is_encoded_anew_or_left_out_and_said(
    tmp_path: Path, make_clip: MakeClip, said: Said, codec: str, suffix: str, kept: str | None
) -> None:
    if codec == "libopus":
        clip = tmp_path / "a.mkv"
        said.stylize(make_clip(tmp_path / "c.mp4"), tmp_path / "c.webm")
        (tmp_path / "c.webm").rename(clip)
    else:
        clip = make_clip(tmp_path / "a.mkv", codec=codec)
    words = said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        found = [stream.codec_context.name for stream in written.streams.audio]
    named = codec.removeprefix("lib")
    if kept is None:
        assert found == []
        assert f"{named} audio left out: .gif files have none" in words
    else:
        assert [name.removesuffix("float") for name in found] == [kept]
        assert ("encoded anew" in words) == (kept != named)


@pytest.mark.parametrize("suffix", [".webm", ".avi", ".wmv", ".mpg"])
@pytest.mark.parametrize("layout", ["5.1", "5.1(side)", "7.1", "mono"])
def test_sound_of_many_loudspeakers_is_kept_or_becomes_stereo(
    tmp_path: Path, said: Said, layout: str, suffix: str
) -> None:
    clip = tmp_path / "a.mkv"
    channels = write_silent(clip, moving(5), "pcm_s24le", "s32", 96_000, layout)
    said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        [found] = written.streams.audio
        assert found.channels in (channels, 2)
        assert sum(1 for _ in written.decode(audio=0)) > 0


@pytest.mark.parametrize(("codec", "suffix"), [("pcm_s16le", ".mp4"), ("pcm_s16le", ".ts")])
def test_sound_that_ffmpeg_only_pretends_to_hold_is_encoded_anew(
    tmp_path: Path, said: Said, codec: str, suffix: str
) -> None:
    clip = tmp_path / "a.mkv"
    write_silent(clip, moving(1), codec, "s16", 48_000, "stereo", seconds=0.1)
    assert "encoded anew as aac" in said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        assert [s.codec_context.name for s in written.streams.audio] == ["aac"]


@pytest.mark.parametrize("codec", ["libmp3lame", "aac"])
def test_sound_that_begins_late_begins_late_in_avi(tmp_path: Path, said: Said, codec: str) -> None:
    """Where it has no times, so that silence stands before it."""
    clip = tmp_path / "a.mkv"
    with av.open(str(clip), "w") as container:
        video: Any = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        tone: Any = container.add_stream(codec, rate=RATE, layout="mono")
        for index, pixels in enumerate(moving(20)):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 10)
            container.mux(video.encode(picture))
        wave = np.sin(np.arange(RATE // 2) * 0.06).astype(np.float32)[None]
        sound = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = RATE, RATE, Fraction(1, RATE)
        context = tone.codec_context
        split = av.AudioResampler(context.format, "mono", RATE, context.frame_size)
        for part in split.resample(sound) + split.resample(None):
            container.mux(tone.encode(part))
        container.mux(tone.encode(None) + video.encode(None))
    said.stylize(clip, tmp_path / "b.avi")
    with av.open(str(tmp_path / "b.avi")) as written:
        heard = np.concatenate([f.to_ndarray()[0] for f in written.decode(audio=0)])
    assert np.argmax(np.abs(heard) > 0.1) / RATE == pytest.approx(1, abs=0.06)
