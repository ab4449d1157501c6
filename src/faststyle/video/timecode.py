"""The clock that a camera counts frames by: HH:MM:SS:FF (SMPTE ST 12-1)."""

import re
from fractions import Fraction

_PARTS = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.,])(\d+)")


def advance(timecode: str, seconds: float, rate: Fraction) -> str:
    """What the clock says so many seconds later, at a rate of frames; if it is none, the same.

    Before ``;`` or ``.`` it drops two numbers a minute (four at 60), but for each tenth minute.
    """
    found = _PARTS.fullmatch(timecode.strip())
    if found is None or not seconds:
        return timecode
    hours, minutes, whole, frames = (int(found[number]) for number in (1, 2, 3, 5))
    base, is_dropping = max(1, round(rate)), found[4] in ";."
    dropped = base // 15 if is_dropping else 0
    minutes += 60 * hours
    number = (60 * minutes + whole) * base + frames - dropped * (minutes - minutes // 10)
    number += round(seconds * rate)
    of_ten = 600 * base - 9 * dropped
    tens, rest = divmod(number, of_ten)
    later = max(0, rest - dropped) // (60 * base - dropped)  # minutes that begin with a gap
    number += dropped * (9 * tens + later)
    minutes, rest = divmod(number, 60 * base)
    whole, frames = divmod(rest, base)
    return (
        f"{minutes // 60 % 24:02}:{minutes % 60:02}:{whole:02}{found[4]}{frames:0{len(found[5])}}"
    )
