"""When frames are shown, in files that know any time and in those of one rate."""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import islice, pairwise
from statistics import median_low

from av.container import InputContainer
from av.video.stream import VideoStream

from faststyle.files.clip_formats import ClipFormat

#: One picture for more seconds than this, and than the clip has, is a jump of a broken clock.
_LONGEST_STILL = 60.0
_HALF = Fraction(51, 100)  # and a little, since times are rounded
#: Frames a second beyond which a rate may be that of a clock; frames that tell another.
_MOST, _SAMPLE = 120, 300


def find_rate(stream: VideoStream, open_again: Callable[[], InputContainer]) -> Fraction:
    """Frames a second, but for pauses, of a stream of a file.

    What a file says is a mean over its pauses, or that of its clock where frames come irregularly.
    Then the times of its first frames tell it.
    """
    rate = stream.guessed_rate or stream.average_rate
    if rate and rate == stream.base_rate and rate <= _MOST:
        return rate
    with open_again() as container:
        packets = container.demux(container.streams[stream.index])
        times = sorted(each.pts for each in islice(packets, _SAMPLE) if each.pts is not None)
    steps = [after - before for before, after in pairwise(times) if after > before]
    if not steps or not stream.time_base:
        return rate or Fraction(25)
    longest = 2 * median_low(steps)
    usual = [step for step in steps if step < longest]
    return (len(usual) / (sum(usual) * stream.time_base)).limit_denominator(1001)


class Pace:
    """Times of frames in a target of some format, from those in the source.

    The source has ``rate`` frames a second, its times count ``time_base``, in seconds, and it is
    ``seconds`` long, as far as it says so.
    """

    def __init__(
        self, format: ClipFormat, rate: Fraction, time_base: Fraction, seconds: float = 0.0
    ) -> None:
        self.rate = min(format.rates, key=lambda known: abs(known - rate), default=rate)
        self.time_base = 1 / self.rate if format.is_constant else time_base
        self._format, self._source = format, time_base
        self._last: Fraction | None = None
        self._next = 0
        self._longest = max(seconds, _LONGEST_STILL)
        # Frames that the target does not show, and seconds of one picture that are not written.
        self._left_out, self._cut = 0, 0.0

    @property
    def notes(self) -> list[str]:
        """What the target lacks, in words for people; known after the last frame."""
        count, most = self._left_out, float(self._format.fastest or self.rate)
        notes = {
            f"{count} frames left out: it shows {most:.4g} a second at most": count,
            f"its clock jumps ahead by {self._cut:.0f} s, which are cut": self._cut,
        }
        return [note for note, is_so in notes.items() if is_so]

    def times(self, time: int) -> Iterable[int]:
        """Where a frame goes, in :attr:`time_base`; more or less often than once at one rate."""
        shown = time * self._source
        fastest = self._format.fastest
        if fastest and self._last is not None and shown - self._last < 1 / fastest:
            self._left_out += 1
            return ()
        self._last = shown
        if not self._format.is_constant:
            return (time,)
        # Half-way always down: rounded to even, frames would be there twice and not at all in turn.
        place = max(0, math.ceil(shown * self.rate - _HALF))
        if place > self._next + self._longest * self.rate:
            self._cut = max(self._cut, float((place - self._next) / self.rate))
            place = self._next
        places = range(self._next, place + 1)
        self._left_out += not places
        self._next = max(self._next, place + 1)
        return places
