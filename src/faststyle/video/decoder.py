"""Decoding of a video stream, interlaced frames made whole; and what of a file is damaged."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
from av.filter import Graph
from av.video.stream import VideoStream

#: FFmpeg's own decoder of this codec leaves transparency out.
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
#: Seconds that may be missing at the end, as a part of all, and at least: files round their length.
_TOLERANCE, _LEAST = 0.05, 1.0
#: Of the bytes that lost seconds would take, those that must be there for them to be lost; and what
#: files have between packets at most.
_UNREAD, _BETWEEN = 0.25, 512


class Decoder:
    """Decodes a stream of an opened file, as far as it can be."""

    def __init__(self, stream: VideoStream) -> None:
        self._context: Any = stream
        name = stream.codec_context.name
        if stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1":
            self._context = av.CodecContext.create(_WITH_ALPHA.get(name, name), "r")
            self._context.extradata = stream.codec_context.extradata
        self._context.thread_type = "AUTO"
        self._time_base = stream.time_base or Fraction(1, 1000)
        self._graph: Graph | None = None
        self._layout: tuple[int, int, str] | None = None
        #: Packets that could not be decoded, and frames of which a part is missing.
        self.broken = 0
        self._order = _Order() if stream.container.format.name == "avi" else None
        self._has_begun = False

    @property
    def is_interlaced(self) -> bool:
        """Whether a frame so far was of lines of two moments."""
        return self._graph is not None

    def decode(self, packet: "av.Packet[Any]") -> Iterator[av.VideoFrame]:
        """The frames that a packet completes; an empty one, the last, completes all."""
        if self._order is not None and self._order.first is None:
            self._order.first = packet.dts
        try:
            decoded = self._context.decode(None if packet.size == 0 else packet)
        except av.FFmpegError:
            self.broken += 1
            return
        for frame in decoded:
            # A broadcast's first frames lack those that they differ from.
            self.broken += self._has_begun and frame.is_corrupt
            self._has_begun |= not frame.is_corrupt
            if self._order is not None:
                frame.pts = self._order.time(frame)
            layout = frame.width, frame.height, frame.format.name
            is_changed = self._graph is not None and layout != self._layout
            if is_changed:
                yield from self._whole(None)  # those before have another layout
            if is_changed or (self._graph is None and frame.interlaced_frame):
                self._graph = self._deinterlacer(frame)
            self._layout = layout
            yield from self._whole(frame)
        if packet.size == 0:
            yield from self._whole(None)

    def _whole(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        if self._graph is None:
            if frame is not None:
                yield frame
            return
        self._graph.vpush(frame)
        try:
            while True:
                whole: Any = self._graph.vpull()
                # The filter counts time in halves.
                if whole.pts is not None:
                    whole.pts = round(whole.pts * whole.time_base / self._time_base)
                yield whole
        except (av.BlockingIOError, av.EOFError):
            return

    def _deinterlacer(self, frame: av.VideoFrame) -> Graph:
        """A graph that takes frames of this size and pixel format."""
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=self._time_base
        )
        bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
        return graph


class _Order:
    """Times of frames in AVI, which says in what order packets come, and not when frames are shown.

    What FFmpeg gives as a frame's time is that of its packet; where frames come in another order
    than they are shown in, these jump back and forth. The packet that completes a frame comes
    later than the frame's own by as many as the decoder holds back.
    """

    def __init__(self) -> None:
        self.first: int | None = None
        self._delay: int | None = None
        self._last = 0

    def time(self, frame: av.VideoFrame) -> int:
        if frame.dts is None or self.first is None:  # the last ones, that were held back
            self._last += 1
            return self._last
        if self._delay is None:
            self._delay = frame.dts - self.first
        self._last = frame.dts - self._delay
        return self._last


class CorruptionTracker:
    """Watches packets as they come, of a file of so many seconds (or 0, if unknown) and bytes."""

    def __init__(self, seconds: float, size: int) -> None:
        self._per_second = size / seconds if seconds else 0.0
        # The latest times, in seconds, of any packet and of one of the video stream.
        self._reached = self._sent = 0.0
        #: Seconds that are missing between others.
        self.lost = 0.0
        #: Whether reading came to an end before the file does.
        self.is_cut = False
        self._place = self._unread = 0
        self._due: float | None = None

    def watch(self, packet: "av.Packet[Any]", is_video: bool) -> None:
        """Take note of the next packet of any stream, in the order of the file."""
        if packet.pos is not None and packet.size:
            self._unread += max(packet.pos - self._place, 0)
            self._place = packet.pos + packet.size
        times = [time for time in (packet.dts, packet.pts) if time is not None]
        if not times or packet.time_base is None:
            return
        until = max(times) + (packet.duration or 0)
        self._reached = max(self._reached, float(until * packet.time_base))
        if is_video:
            seconds = float(times[0] * packet.time_base)
            self._sent = max(self._sent, seconds)
            # A picture may be shown for long; but then there are no bytes that nobody could read.
            gap = 0.0 if self._due is None else seconds - self._due
            usual = _UNREAD * gap * self._per_second + _BETWEEN
            if gap > _LEAST and self._per_second and self._unread > usual:
                self.lost += gap
            self._due = seconds + float((packet.duration or 0) * packet.time_base)
            self._unread = 0

    def is_known(self, shown: float, end: float, seconds: float) -> bool:
        """Whether something is missing of a clip whose last frame is shown at ``shown``.

        The section that is read ends at ``end`` and is ``seconds`` long.
        """
        missing = max(end - self._reached, min(self._sent, end) - shown)
        is_short = missing > max(_LEAST, _TOLERANCE * seconds)
        return self.is_cut or self.lost > 0 or is_short


@contextmanager
def without_ffmpeg_log() -> Iterator[None]:
    """Keep FFmpeg from writing of each damaged packet, and of itself, to standard error."""
    os.environ.setdefault("SVT_LOG", "1")  # of the AV1 encoder, which knows no other way: errors
    level = av.logging.get_level()
    av.logging.set_level(None)
    try:
        yield
    finally:
        av.logging.set_level(level)
