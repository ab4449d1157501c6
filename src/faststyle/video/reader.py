"""A clip as a sequence of upright RGB frames, and the packets of its other streams between them."""

import math
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import av
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from faststyle.core.errors import UserError
from faststyle.images.hdr import HDR
from faststyle.video.colors import IPT_C2
from faststyle.video.decoder import CorruptionTracker, Decoder
from faststyle.video.frames import Frame, upright
from faststyle.video.marks import read_marks, stereo_of
from faststyle.video.pace import find_rate
from faststyle.video.streams import left_out, select_video_stream

#: Of FFmpeg's, with the times that PyAV takes for optional.
Packet: TypeAlias = Any
Item: TypeAlias = Frame | Packet

#: Seconds by which streams may lie apart in a file.
_SKEW = 1.0
#: Seconds between two frames that can be decoded by themselves, at most.
_LONGEST_GOP = 10.0
#: Seconds by which times are off, since files round them.
_ROUNDING = 1e-4
#: Seconds that a picture fills at the edge of a section if it is to be shown there.
_LONG, _LONG_AT_END = 0.5, 0.2
#: Seconds before the first that an encoder of sound puts in front of it, at most.
_PRIMING = 0.1


class Clip(AbstractContextManager["Clip"]):
    """An opened clip, or a section of one; a context manager.

    Args:
        path: a file of any container that FFmpeg reads.
        start: where the section begins, in seconds from the clip's beginning.
        end: where it ends; none where the clip does.
        is_high_bit_depth: give frames of floats, as the file has them, and not of bytes in ordinary
            range.

    Raises:
        UserError: the file is missing, cannot be read, or has no pictures that move; or it ends
            before ``start``.
    """

    def __init__(
        self,
        path: Path,
        start: float = 0,
        end: float | None = None,
        is_high_bit_depth: bool = False,
    ) -> None:
        self.is_high_bit_depth = is_high_bit_depth
        self.container = _open(path)
        length = (self.container.duration or 0) / av.time_base
        try:
            self.video: VideoStream = select_video_stream(self.container, path)
            if length and start >= length:
                raise UserError(f"{path} ends after {length:.1f} s, before --start {start:g}")
        except UserError:
            self.container.close()
            raise
        kinds = ("audio", "subtitle", "attachment")
        #: What the container says of its frames.
        self.marks = read_marks(self.video)
        #: The bits of a channel; known after the first frame.
        self.bits = 8
        #: What goes with the video stream.
        self.others = [stream for stream in self.container.streams if stream.type in kinds]
        self._decoder = Decoder(self.video)
        self.time_base = self.video.time_base or Fraction(1, 1000)
        self.rate = find_rate(self.video, partial(_open, path))
        self.start, self._end = start, math.inf if end is None else end
        #: How long the section is; 0 if the file does not say it.
        self.seconds = max(min(length, self._end) - start, 0.0)
        #: The first time of any stream, in seconds.
        self.begins = Fraction(self.container.start_time or 0, av.time_base)
        self._shape: tuple[int, int] | None = None
        self._last: int | None = None
        self._shown_until = 0.0
        self._held: av.VideoFrame | None = None
        self.damage = CorruptionTracker(length, path.stat().st_size)
        self._is_hdr = self._jumped = self._changed = False

    @property
    def notes(self) -> list[str]:
        """What is lost or changed, in words for people; known after the last frame."""
        jumped = self._jumped and not self.is_damaged  # what is damaged has wrong times, too
        notes = {
            "interlaced: written as whole frames": self._decoder.is_interlaced,
            "high dynamic range: written in ordinary range": self._is_hdr,
            "its size changes: all frames have that of the first": self._changed,
            "its clock jumps back: what comes again is left out": jumped,
        }
        said = [note for note, is_so in notes.items() if is_so]
        return [*left_out(self.container, self.video), *said]

    @property
    def frame_count(self) -> int | None:
        """How many frames the clip says it has, or should have at its rate."""
        if self.video.frames and not self.start and self._end == math.inf:
            return self.video.frames
        return round(self.seconds * self.rate) or None

    def part(self, frame: Frame) -> float:
        """How much of the clip has gone by, from 0 at its first frame to 1 at its last."""
        # Sound may begin earlier, or go on for longer.
        duration = self.video.duration
        whole = float(duration * self.time_base) if duration else math.inf
        seconds = min(self.seconds, whole - self.start)
        first = float((self.video.start_time or 0) * self.time_base - self.begins)
        shown = float(frame.time * self.time_base) - max(first - self.start, 0)
        return min(1.0, max(0.0, shown / max(seconds - float(1 / self.rate), 1e-9)))

    @property
    def is_damaged(self) -> bool:
        """Whether, after the last frame, something could not be decoded or did not come."""
        shown = float((self._last or 0) * self.time_base)
        end = float(self.begins) + self.start + self.seconds
        return self._decoder.broken > 0 or self.damage.is_known(shown, end, self.seconds)

    def late(self, stream: Stream) -> float:
        """Seconds of the section that go by before a stream begins."""
        begins = (stream.start_time or 0) * (stream.time_base or 1)
        return max(float(begins - self.begins) - self.start, 0.0)

    @property
    def chapters(self) -> list[Any]:
        """Those of the section."""
        found = []
        for chapter in self.container.chapters():
            base = chapter["time_base"] or Fraction(1, 1000)
            begins, ends = (float(chapter[edge] * base) for edge in ("start", "end"))
            if ends > self.start and begins < self._end:
                cut = {"start": max(begins, self.start), "end": min(ends, self._end)}
                moved = {edge: round((at - self.start) / base) for edge, at in cut.items()}
                found.append({**chapter, **moved})
        return found

    def __iter__(self) -> Generator[Item, None, None]:
        """Frames in the order in which they are shown, and packets of other streams as they come.

        A frame that cannot be decoded, or that is not later than the one before, is left out.
        Times of a section are as if the clip began with it. Raises ``UserError`` for a frame that
        is larger than pictures may be.
        """
        if self.start > _LONGEST_GOP:
            # Earlier, since some formats know no places where decoding can begin; raw streams
            # know none at all, and are decoded from their beginning.
            place = float(self.begins) + self.start - _LONGEST_GOP
            with suppress(av.FFmpegError):
                self.container.seek(round(place * av.time_base))
        last: Frame | None = None
        for item in self._items():
            base = self.time_base if isinstance(item, Frame) else item.time_base
            time = item.time if isinstance(item, Frame) else item.pts
            shift = round((self.start + self.begins) / base)
            shown = float(time * base - self.begins) + _ROUNDING
            if isinstance(item, Frame):
                if shown >= self._end and last is not None:
                    yield from self._held_to_end(last, float(self.begins) + self._end, shift)
                if shown >= self._end + _SKEW:
                    return
                last = item if shown < self._end else None
            # Sound begins a little before the first second: decoders need it.
            if (not self.start or self.start <= shown) and shown < self._end:
                yield _earlier(item, shift)
        if last is not None:
            end = min(
                self._shown_until, float(self.begins) + self.start + (self.seconds or math.inf)
            )
            shift = round((self.start + self.begins) / self.time_base)
            yield from self._held_to_end(last, end, shift)

    def _held_to_end(self, last: Frame, end: float, shift: int) -> Iterator[Frame]:
        """The last picture once more, if it is shown for long; ``end`` is in the clip's seconds."""
        if end - float(last.time * self.time_base) > max(_LONG_AT_END, 1.5 / float(self.rate)):
            time = round((end - 1 / self.rate) / self.time_base)
            yield replace(last, time=time - shift)

    def _held_at_start(self, until: float) -> Iterator[Frame]:
        """The picture that is shown where a section begins, if that is long.

        ``until``: the seconds at which the next one is shown.
        """
        held, self._held = self._held, None
        if held is not None and until - self.start > _LONG:
            yield self._upright(held, math.ceil((self.start + self.begins) / self.time_base))

    def _items(self) -> Iterator[Item]:
        latest: dict[int, int] = {}  # of each stream
        first: dict[int, float] = {}
        for packet in self._packets():
            stream = packet.stream.index
            if packet.stream is self.video:
                yield from self._frames(packet)
            elif None not in (packet.pts, packet.dts):
                seconds = float(packet.pts * packet.time_base - self.begins)
                is_primed = first.setdefault(stream, seconds) > -_PRIMING and seconds < 0
                if packet.is_discard and not is_primed:
                    continue  # an edit list has cut it away
                if packet.dts > latest.get(stream, -math.inf):
                    latest[stream] = packet.dts
                    yield packet
                else:  # files hold no others
                    self._jumped = True
        yield from self._held_at_start(math.inf)

    def _frames(self, packet: Packet) -> Iterator[Frame]:
        if packet.pts is not None and packet.duration and not packet.is_discard:
            until = float((packet.pts + packet.duration) * self.time_base)
            self._shown_until = max(self._shown_until, until)
        for decoded in self._decoder.decode(packet):
            time = decoded.pts
            if time is None:
                step = max(1, round(1 / (self.rate * self.time_base)))
                time = 0 if self._last is None else self._last + step
            if self._last is not None and time <= self._last:
                self._jumped = True
                continue  # players would drop it
            self._last = time
            shown = float(time * self.time_base - self.begins) + _ROUNDING
            if shown < self.start:
                self._held = decoded
                continue
            yield from self._held_at_start(shown)
            yield self._upright(decoded, time)

    def _upright(self, decoded: av.VideoFrame, time: int) -> Frame:
        shape = decoded.height, decoded.width
        self._shape = self._shape or shape
        self._changed |= shape != self._shape
        self._is_hdr |= decoded.color_trc in HDR and not self.is_high_bit_depth
        if not self.marks.stereo:
            self.marks = replace(self.marks, stereo=stereo_of(decoded))
        self.bits = max(self.bits, decoded.format.components[0].bits)
        if self.marks.dolby_vision == 5:
            raise UserError(f"its colors are stored as {IPT_C2}, which is not read")
        return upright(decoded, self._shape, time, self.is_high_bit_depth, self.marks.crop)

    def _packets(self) -> Iterator[Packet]:
        wanted = {stream.index for stream in (self.video, *self.others)}
        try:
            for packet in self.container.demux():  # all of them: what is left of a file is damage
                self.damage.watch(packet, packet.stream is self.video)
                if packet.stream.index in wanted:  # that of an empty packet is 0
                    yield packet
        except av.FFmpegError:
            self.damage.is_cut = True

    def __exit__(self, *_: object) -> None:
        self.container.close()


def _earlier(item: Item, shift: int) -> Item:
    if isinstance(item, Frame):
        return replace(item, time=item.time - shift)
    item.pts, item.dts = item.pts - shift, item.dts - shift
    return item


def _open(path: Path) -> InputContainer:
    if not path.exists():
        raise UserError(f"no such clip: {path}")
    # PyAV 19 (Python 3.12 and later) reads titles that are no UTF-8, and has no such option.
    older = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
    problem = f"{path} is neither a picture nor a clip that can be read (truncated?)"
    try:
        container: InputContainer = av.open(str(path), **older)  # type: ignore[call-overload]
    except (av.FFmpegError, IndexError):  # of some truncated files PyAV finds no streams to index
        raise UserError(problem) from None
    if _is_picture(container.format.name, path):
        container.close()
        raise UserError(f"{path} is no clip, nor a picture in a format that is read")
    return container


def _is_picture(name: str, path: Path) -> bool:
    """Whether FFmpeg would make a clip of a picture, of a text, or of a JPEG inside of anything."""
    if name == "mjpeg":  # is searched for
        with path.open("rb") as file:
            return file.read(2) != b"\xff\xd8"
    return name.endswith("_pipe") or name in ("image2", "ico", "tty")
