"""A clip as a sequence of upright RGB frames, and the packets of its sound between them."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
import torch
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.pictures.files import MAX_PIXELS

Packet: TypeAlias = "av.Packet[Any]"


@dataclass(frozen=True)
class Frame:
    """A picture of a clip: ``pixels``, (3, H, W) as in ``Picture``, and when it is shown.

    ``time`` counts in the clip's ``time_base`` (seconds). ``colors`` is FFmpeg's description of
    how the file stored them: matrix, range, transfer function and primaries.
    """

    pixels: Tensor
    time: int
    colors: tuple[int, int, int, int] = (2, 0, 2, 2)  # all of them unspecified


Item: TypeAlias = "Frame | Packet"


class Clip:
    """An opened clip; a context manager.

    Raises:
        UserError: the file is missing, cannot be read, or has no pictures that move.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.container = _open(path)
        moving = [stream for stream in self.container.streams.video if not _is_cover(stream)]
        if not moving:
            self.container.close()
            raise UserError(f"{path} has no video stream")
        self.video: VideoStream = moving[0]
        self.video.thread_type = "AUTO"
        self.sound: tuple[AudioStream, ...] = tuple(self.container.streams.audio)
        self.time_base = self.video.time_base or Fraction(1, 1000)
        self.rate = self.video.average_rate or self.video.guessed_rate or Fraction(25)
        self.seconds = (self.container.duration or 0) / av.time_base
        self._start = (self.container.start_time or 0) / av.time_base
        self._shape: tuple[int, int] | None = None
        self._last: int | None = None
        # The latest times, in seconds, of any packet and of one with pictures.
        self._reached = self._sent = 0.0
        self._broken_packets = 0

    @property
    def frame_count(self) -> int | None:
        """How many frames the clip says it has, or should have at its rate."""
        if self.video.frames:
            return self.video.frames
        return round(self.seconds * self.rate) or None

    def part(self, frame: Frame) -> float:
        """How much of the clip has gone by, from 0 at its first frame to 1 at its last."""
        # Sound may begin earlier, or go on for longer.
        duration = self.video.duration
        seconds = float(duration * self.time_base) if duration else self.seconds
        shown = float((frame.time - (self.video.start_time or 0)) * self.time_base)
        return min(1.0, max(0.0, shown / max(seconds - float(1 / self.rate), 1e-9)))

    @property
    def is_damaged(self) -> bool:
        """Whether, after the last frame, something could not be decoded or did not come."""
        tolerance = max(1.0, 0.05 * self.seconds)
        shown = float((self._last or 0) * self.time_base)
        missing = max(self._start + self.seconds - self._reached, self._sent - shown)
        return self._broken_packets > 0 or missing > tolerance

    def __iter__(self) -> Generator[Item, None, None]:
        """Frames in the order in which they are shown, and packets of sound as they come.

        A frame that cannot be decoded, or that is not later than the one before, is left out.
        Raises ``UserError`` for one that is larger than pictures may be.
        """
        for packet in self._packets():
            if packet.dts is not None and packet.time_base is not None:
                sent = float(packet.dts * packet.time_base)
                self._reached = max(self._reached, sent)
                if packet.stream is self.video:
                    self._sent = sent
                else:
                    yield packet
            if packet.stream is self.video:
                yield from self._frames(packet)

    def _frames(self, packet: Packet) -> Iterator[Frame]:
        for decoded in self._decode(packet):
            time = decoded.pts
            if time is None:
                step = max(1, round(1 / (self.rate * self.time_base)))
                time = 0 if self._last is None else self._last + step
            if self._last is not None and time <= self._last:
                continue  # players would drop it
            self._last = time
            self._shape = self._shape or (decoded.height, decoded.width)
            yield Frame(_upright(decoded, self._shape), time, _colors(decoded))

    def _packets(self) -> Iterator[Packet]:
        try:
            yield from self.container.demux((self.video, *self.sound))
        except av.FFmpegError:
            self._broken_packets += 1

    def _decode(self, packet: Packet) -> list[av.VideoFrame]:
        try:
            return self.video.decode(packet)
        except av.FFmpegError:
            self._broken_packets += 1
            return []

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep FFmpeg from writing of each damaged packet to standard error."""
    level = av.logging.get_level()
    av.logging.set_level(None)
    try:
        yield
    finally:
        av.logging.set_level(level)


def _open(path: Path) -> InputContainer:
    if not path.exists():
        raise UserError(f"no such clip: {path}")
    try:
        return av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, IndexError):  # of some truncated files PyAV finds no streams to index
        raise UserError(
            f"{path} is neither a picture nor a clip that can be read (truncated?)"
        ) from None


def _is_cover(stream: VideoStream) -> bool:
    """Whether a stream is the picture on the cover of a song."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _upright(frame: av.VideoFrame, shape: tuple[int, int]) -> Tensor:
    """As the camera was held, (3, H, W); a clip that changes its size midway keeps the first."""
    height, width = shape
    if frame.height * frame.width > MAX_PIXELS:
        raise UserError(f"frames of {frame.width} x {frame.height} pixels are too large")
    pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
    turned = np.rot90(pixels, frame.rotation // 90)
    return torch.from_numpy(np.ascontiguousarray(turned)).permute(2, 0, 1)


def _colors(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    return frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries
