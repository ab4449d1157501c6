"""When frames are shown, in files that know any time and in those of one rate."""

import math
from collections.abc import Iterable
from fractions import Fraction

from faststyle.inference.clip_targets import Target

#: More frames in a row of one picture than this many seconds are a jump of a broken clock.
_LONGEST_STILL = 60
_HALF = Fraction(51, 100)  # and a little, since times are rounded


class Pace:
    """Times of frames in the target, from those in the source.

    Args:
        target: the kind of file.
        rate: frames a second of the source.
        time_base: what its times count, in seconds.
    """

    def __init__(self, target: Target, rate: Fraction, time_base: Fraction) -> None:
        self.rate = min(target.rates, key=lambda known: abs(known - rate)) if target.rates else rate
        self._source = time_base
        self._shortest = 1 / target.fastest if target.fastest else None
        self._last: Fraction | None = None
        self._is_constant = target.is_constant
        self.time_base = 1 / self.rate if target.is_constant else time_base
        self._next = 0

    def times(self, time: int) -> Iterable[int]:
        """Where a frame goes, in :attr:`time_base`; more or less often than once at one rate."""
        shown = time * self._source
        if self._shortest and self._last is not None and shown - self._last < self._shortest:
            return ()
        self._last = shown
        if not self._is_constant:
            return (time,)
        # Half-way always down: rounded to even, frames would be there twice and not at all in turn.
        place = max(0, math.ceil(shown * self.rate - _HALF))
        if place > self._next + _LONGEST_STILL * self.rate:
            place = self._next
        places = range(self._next, place + 1)
        self._next = max(self._next, place + 1)
        return places
