"""Clips made for the purpose: a colored square that moves, and a tone."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from av.audio.stream import AudioStream

from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.stylize.stylizer import Stylizer
from tests.video.made import RATE, MakeClip, Said, frame


@pytest.fixture(scope="session")
def stylizer() -> Stylizer:
    torch.manual_seed(0)
    network = TransformNetwork(width=2, blocks=0).eval()
    return Stylizer(TrainedStyle(network, StyleMetadata(style="night")), device="cpu")


@pytest.fixture
def make_clip() -> MakeClip:
    """Write a clip of ``count`` frames, at ``times`` in hundredths of a second, and a tone."""

    def make(
        path: Path,
        count: int = 12,
        size: tuple[int, int] = (48, 64),
        times: Sequence[int] | None = None,
        sound: bool = True,
        matrix: int = 6,
        color_range: int = 1,
        rotation: int = 0,
        codec: str = "aac",
    ) -> Path:
        times = times or range(0, 10 * count, 10)
        with av.open(str(path), "w") as container:
            video = container.add_stream("libx264", rate=10, options={"crf": "4"})
            video.height, video.width = size
            video.codec_context.time_base = Fraction(1, 100)
            video.codec_context.colorspace = matrix
            video.codec_context.color_range = color_range
            if rotation:
                video.set_display_rotation(rotation)
            tone = container.add_stream(codec, rate=RATE) if sound else None
            for index, time in zip(range(count), times, strict=True):
                picture = av.VideoFrame.from_ndarray(frame(size, index)).reformat(
                    format="yuv420p", dst_colorspace=5, dst_color_range=color_range
                )
                picture.pts = time
                container.mux(video.encode(picture))
            if tone is not None:
                assert isinstance(tone, AudioStream)
                container.mux([p for f in _tone(times[-1] / 100 + 0.1) for p in tone.encode(f)])
                container.mux(tone.encode(None))
            container.mux(video.encode(None))
        return path

    return make


def _tone(seconds: float) -> list[av.AudioFrame]:
    wave = np.sin(np.arange(int(RATE * seconds)) * 0.06).astype(np.float32)[None]
    frames = []
    for start in range(0, wave.shape[1], 1024):
        part = np.ascontiguousarray(wave[:, start : start + 1024])
        made = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        made.sample_rate, made.pts = RATE, start
        frames.append(made)
    return frames


@pytest.fixture
def said(stylizer: Stylizer, capfd: pytest.CaptureFixture[str]) -> Said:
    return Said(stylizer, capfd)
