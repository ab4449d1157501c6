"""Durations, edit lists, rates, timecodes; and sound that stays with its pictures."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faststyle.video.timecode import advance
from tests.video.boxes import cut_beginning
from tests.video.made import Said, frame, frames_of, moving, write, write_silent

RATE = 48_000


def write_times(
    path: Path, times: Sequence[int], codec: str = "libx264", rate: int = 1000, **options: str
) -> Path:
    """Frames at these milliseconds."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=rate, options={"bf": "0", **options})
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        for index, time in enumerate(times):
            picture = av.VideoFrame.from_ndarray(frame((48, 64), index % 20), format="rgb24")
            picture.pts, picture.time_base = time, Fraction(1, 1000)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    return path


def write_click(path: Path, codec: str, seconds: int = 3, at: float = 1.0) -> Path:
    """Black until a moment, and white from then on, with a tone."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=25, options={"bf": "0"})
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        tone: Any = container.add_stream(codec, rate=RATE, layout="mono")
        for index in range(25 * seconds):
            gray = np.full((48, 64, 3), 235 if index >= 25 * at else 16, np.uint8)
            picture = av.VideoFrame.from_ndarray(gray, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 25)
            container.mux(video.encode(picture))
        times = np.arange(RATE * seconds) / RATE
        wave = np.where(times >= at, np.sin(times * 2 * np.pi * 1000) / 2, 0).astype(np.float32)
        context = tone.codec_context
        split = av.AudioResampler(context.format, "mono", RATE, context.frame_size or None)
        sound = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = RATE, 0, Fraction(1, RATE)
        for part in split.resample(sound) + split.resample(None):
            container.mux(tone.encode(part))
        container.mux(tone.encode(None) + video.encode(None))
    return path


def click_of(path: Path) -> tuple[float, float]:
    """When it becomes white, and how much later there is a tone."""
    with av.open(str(path)) as clip:
        frames = clip.decode(video=0)
        gray: Any = ((f.time, f.to_ndarray(format="gray").mean()) for f in frames)
        white = next(float(time) for time, mean in gray if mean > 100)
    with av.open(str(path)) as clip:
        resampler = av.AudioResampler("flt", "mono", RATE)
        for sound in clip.decode(audio=0):
            for part in resampler.resample(sound):
                loud: Any = np.abs(part.to_ndarray()[0]) > 0.05
                if loud.any():
                    return white, float(part.time or 0) + float(np.argmax(loud)) / RATE - white
    raise AssertionError("no tone")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm", ".ts", ".3gp", ".mpg", ".wmv"])
def test_sound_that_is_encoded_anew_is_not_late(tmp_path: Path, said: Said, suffix: str) -> None:
    clip = write_click(tmp_path / "a.mkv", "flac")
    assert click_of(clip)[1] == pytest.approx(0, abs=0.001)
    assert "encoded anew" in said.stylize(clip, tmp_path / f"b{suffix}")
    assert click_of(tmp_path / f"b{suffix}")[1] == pytest.approx(0, abs=0.004)


def test_sound_that_is_encoded_anew_is_not_late_in_avi(tmp_path: Path, said: Said) -> None:
    clip = write_click(tmp_path / "a.mkv", "flac")
    said.stylize(clip, tmp_path / "b.avi")
    with av.open(str(tmp_path / "b.avi")) as written:
        heard = np.concatenate([f.to_ndarray()[0] for f in written.decode(audio=0)])
    # Its frames have no times: the 26th is white.
    assert np.argmax(np.abs(heard) > 0.05) / RATE == pytest.approx(1, abs=0.004)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".webm", ".avi"])
def test_what_an_edit_list_cuts_away_stays_away(tmp_path: Path, said: Said, suffix: str) -> None:
    clip = write_click(tmp_path / "a.mp4", "aac", seconds=5, at=3)
    cut_beginning(clip, 2)
    assert click_of(clip)[0] == pytest.approx(1, abs=0.01)
    said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        parts = [f.samples for f in written.decode(audio=0)]
        assert sum(parts) / written.streams.audio[0].rate == pytest.approx(3, abs=0.06)
    if suffix != ".avi":
        assert click_of(tmp_path / f"b{suffix}")[1] == pytest.approx(0, abs=0.025)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".webm", ".gif"])
def test_the_last_picture_is_shown_as_long_as_it_was(
    tmp_path: Path, said: Said, suffix: str
) -> None:
    """As the last one of a silent recording of a screen where nothing moves any more."""
    clip = write_times(tmp_path / "a.mp4", [0, 40, 80, 6000], rate=25)
    data = bytearray(clip.read_bytes())
    # The last entry of what MP4 says of durations: one picture of a frame's duration.
    place = data.find(b"stts")
    count = int.from_bytes(data[place + 8 : place + 12])
    last = place + 12 + 8 * (count - 1)
    clock = int.from_bytes(data[data.find(b"mdhd") + 16 : data.find(b"mdhd") + 20])
    shown = int.from_bytes(data[last + 4 : last + 8])
    data[last + 4 : last + 8] = (2 * clock).to_bytes(4)
    more = 2 * clock - shown
    for name, start, unit in ((b"mvhd", 20, 1000), (b"tkhd", 24, 1000), (b"mdhd", 20, clock)):
        at = data.find(name) + start
        length = int.from_bytes(data[at : at + 4]) + more * unit // clock
        data[at : at + 4] = length.to_bytes(4)
    at = data.find(b"elst") + 12
    if at > 12:
        data[at : at + 4] = (int.from_bytes(data[at : at + 4]) + more * 1000 // clock).to_bytes(4)
    clip.write_bytes(data)
    assert "damaged" not in said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        found = list(written.decode(video=0))
    step = 0.04
    assert float(found[-1].time) + step == pytest.approx(8, abs=0.1)


@pytest.mark.parametrize("suffix", [".avi", ".wmv", ".mp4"])
@pytest.mark.parametrize("kind", ["pause", "browser", "both"])
def test_a_rate_is_that_of_frames_and_not_of_pauses_or_clocks(
    tmp_path: Path, said: Said, kind: str, suffix: str
) -> None:
    noise = np.random.default_rng(0).integers(-6, 7, 60)
    steady = [40 * index for index in range(60)]
    uneven = [round(33.3 * index + 10 + noise[index]) for index in range(60)]
    pause = 8000
    times = {
        "pause": [t if i < 30 else t + pause for i, t in enumerate(steady)],
        "browser": uneven,
        "both": [t if i < 30 else t + pause for i, t in enumerate(uneven)],
    }[kind]
    codec = "libx264" if kind == "pause" else "libvpx-vp9"
    ending = ".mp4" if kind == "pause" else ".webm"
    clip = write_times(tmp_path / f"a{ending}", times, codec, 25 if kind == "pause" else 1000)
    said.stylize(clip, tmp_path / f"b{suffix}")
    seconds = (times[-1] - times[0]) / 1000
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        count = sum(1 for _ in written.decode(video=0))
        if suffix == ".mp4":
            context: Any = written.streams.video[0].codec_context
            assert context.extradata[3] < 40, "a level below 4"
            assert count == 60
        else:
            assert 0.8 * 25 * seconds < count < 1.3 * 33 * seconds


@pytest.mark.parametrize(
    ("timecode", "seconds", "rate", "expected"),
    [
        ("10:00:00:00", 1.0, Fraction(25), "10:00:01:00"),
        ("23:59:59:24", 0.04, Fraction(25), "00:00:00:00"),
        ("01:00:00;00", 60.06, Fraction(30000, 1001), "01:01:00;02"),
        ("00:09:59;29", 0.0334, Fraction(30000, 1001), "00:10:00;00"),
        ("00:00:59;29", 0.0334, Fraction(30000, 1001), "00:01:00;02"),
        ("00:00:00;00", 3600.0, Fraction(30000, 1001), "01:00:00;00"),
        ("00:00:00;00", 3600.0, Fraction(60000, 1001), "01:00:00;00"),
        ("10:00:00:0", 1.5, Fraction(10), "10:00:01:5"),
        ("no clock", 1.0, Fraction(25), "no clock"),
    ],
)
def test_a_timecode_counts_frames(
    timecode: str, seconds: float, rate: Fraction, expected: str
) -> None:
    assert advance(timecode, seconds, rate) == expected


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv", ".webm", ".ts", ".avi"])
def test_a_section_begins_with_its_own_timecode(tmp_path: Path, said: Said, suffix: str) -> None:
    def change(video: Any) -> None:
        video.metadata["timecode"] = "10:00:00:00"

    clip = write(tmp_path / "a.mov", moving(30), "libx264", "yuv420p", change=change)
    words = said.stylize(clip, tmp_path / f"b{suffix}", start=1.5)
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        tags = {k.lower(): v for k, v in written.streams.video[0].metadata.items()}
    is_kept = suffix in (".mov", ".mp4", ".mkv", ".webm")
    assert tags.get("timecode") == ("10:00:01:5" if is_kept else None)
    assert words.strip().rpartition(": ")[2] == ("" if is_kept else "its timecode is left out")


@pytest.mark.parametrize("layout", ["5.1(side)", "quad", "5.0(side)", "7.1"])
@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".wmv"])
def test_loudspeakers_are_kept_or_their_loss_is_said(
    tmp_path: Path, said: Said, layout: str, suffix: str
) -> None:
    clip = tmp_path / "a.mkv"
    channels = write_silent(clip, moving(5), "pcm_s16le", "s16", RATE, layout)
    words = said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        found = written.streams.audio[0].channels
    assert found == channels or f"{channels} channels as" in words
    assert found in (channels, 2)
    assert len(frames_of(tmp_path / f"b{suffix}")) == 5


def test_sound_that_ffmpeg_does_not_know_is_left_out_and_said(tmp_path: Path, said: Said) -> None:
    """As iPhones write it beside the stereo track."""
    clip = write_click(tmp_path / "a.mp4", "aac", seconds=1, at=0.5)
    known = clip.read_bytes()
    clip.write_bytes(known.replace(b"mp4a", b"apac").replace(b"esds", b"dapa"))
    for suffix in (".mp4", ".mkv", ".avi", ".ts"):
        words = said.stylize(clip, tmp_path / f"b{suffix}")
        assert "unknown audio left out: FFmpeg does not know it" in words
        assert len(frames_of(tmp_path / f"b{suffix}")) == 25
