"""Clips of any form for the tests, and what is said while they are stylized."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faststyle.files.jobs import Job
from faststyle.stylize.stylizer import Stylizer
from faststyle.video.clips import stylize_clips
from tests.video.pipelines import clip_pipeline

MakeClip = Callable[..., Path]
Pixels = np.ndarray
RATE = 44100


def frame(size: tuple[int, int], index: int) -> np.ndarray:
    """(H, W, 3): red above, green below, a white square that moves to the right."""
    pixels = np.full((*size, 3), (30, 120, 40), dtype=np.uint8)
    pixels[: size[0] // 2] = (180, 40, 60)
    pixels[8:24, 2 * index : 2 * index + 16] = 235
    return pixels


def frames_of(path: Path) -> list[np.ndarray]:
    """Every frame, upright or not, (H, W, 3)."""
    with av.open(str(path)) as container:
        return [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]


class Said:
    """What was said on standard error while clips were stylized."""

    def __init__(self, stylizer: Stylizer, capfd: pytest.CaptureFixture[str]) -> None:
        self.stylizer, self.capfd = stylizer, capfd

    def stylize(self, source: Path, target: Path, failed: int = 0, **options: Any) -> str:
        pipeline = clip_pipeline(self.stylizer, **{"strength": 0, "smooth": 0, **options})
        assert stylize_clips(pipeline, [Job(source, target)]) == failed
        lines = self.capfd.readouterr().err.replace("\r", "\n").split("\n")
        return "\n".join(line for line in lines if "frame/s" not in line and "?frame" not in line)


def write(
    path: Path,
    frames: Sequence[Pixels],
    codec: str,
    pixels: str,
    form: str = "rgb24",
    change: Callable[[Any], None] = lambda _: None,
    **options: str,
) -> Path:
    """A clip of ten frames a second."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=10, options=options)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = pixels
        change(video)
        for index, each in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(each, format=form)
            picture.pts, picture.time_base = index, Fraction(1, 10)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    return path


def write_silent(
    path: Path,
    frames: Sequence[Pixels],
    codec: str,
    form: str,
    rate: int,
    layout: str,
    seconds: float = 0.5,
) -> int:
    """Ten frames a second, beside silence in samples of ``form``; returns how many channels."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=10)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        tone: Any = container.add_stream(codec, rate=rate, layout=layout)
        for index, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 10)
            container.mux(video.encode(picture))
        channels = int(tone.codec_context.channels)
        kind = {"s16": np.int16, "s32": np.int32}[form]
        silence = np.zeros((1, round(rate * seconds) * channels), kind)
        sound = av.AudioFrame.from_ndarray(silence, format=form, layout=layout)
        sound.sample_rate = rate
        container.mux(tone.encode(sound) + tone.encode(None) + video.encode(None))
    return channels


def moving(count: int = 12, size: tuple[int, int] = (48, 64)) -> list[Pixels]:
    return [frame(size, index) for index in range(count)]


def difference(found: Pixels, expected: Pixels) -> float:
    return float(np.abs(found.astype(int) - expected).mean())


def tone_of(path: Path) -> tuple[float, float]:
    """Frequency in hertz, and seconds, of the sound."""
    with av.open(str(path)) as clip:
        rate = clip.streams.audio[0].rate
        parts = [f.to_ndarray() for f in av_resampled(clip)]
    wave = np.concatenate([part.reshape(1, -1)[0] for part in parts])
    spectrum = np.abs(np.fft.rfft(wave))
    return float(np.argmax(spectrum) * rate / len(wave)), len(wave) / rate


def av_resampled(clip: Any) -> list[av.AudioFrame]:
    resampler = av.AudioResampler("flt", "mono", clip.streams.audio[0].rate)
    return [part for frame in clip.decode(audio=0) for part in resampler.resample(frame)]
