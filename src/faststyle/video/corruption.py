"""Damage to a clip: packets that are missing or could not be read."""

from typing import Any

import av

#: Seconds that may be missing at the end, as a part of all, and at least: files round their length.
_TOLERANCE, _LEAST = 0.05, 1.0
#: Of the bytes that lost seconds would take, those that must be there for them to be lost; and what
#: files have between packets at most.
_UNREAD, _BETWEEN = 0.25, 512


class CorruptionTracker:
    """Watches packets as they come.

    Args:
        seconds: of the file; 0 if it does not say it.
        size: of the file in bytes.
    """

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
        self._reached = max(self._reached, float(max(times) * packet.time_base))
        if is_video:
            seconds = float(times[0] * packet.time_base)
            self._sent = max(self._sent, seconds)
            self._look_for_gap(seconds, float((packet.duration or 0) * packet.time_base))

    def _look_for_gap(self, seconds: float, duration: float) -> None:
        """A picture may be shown for long; but then there are no bytes that nobody could read."""
        gap = 0.0 if self._due is None else seconds - self._due
        usual = _UNREAD * gap * self._per_second + _BETWEEN
        if gap > _LEAST and self._per_second and self._unread > usual:
            self.lost += gap
        self._due, self._unread = seconds + duration, 0

    def is_known(self, shown: float, end: float, seconds: float) -> bool:
        """Whether something is missing of a clip whose last frame is shown at ``shown``.

        Args:
            shown: in seconds, as ``end``.
            end: of the section that is read.
            seconds: how long that is.
        """
        missing = max(end - self._reached, min(self._sent, end) - shown)
        is_short = missing > max(_LEAST, _TOLERANCE * seconds)
        return self.is_cut or self.lost > 0 or is_short
