"""Which part of a clip is stylized, and how calm it is."""

from dataclasses import dataclass
from typing import Annotated

from faststyle.core.limits import InRange, MoreThan, Options

_SECONDS = InRange(0, unit="seconds")


def seconds(text: str) -> float:
    """Of ``12.5``, ``1:02.5`` or ``1:02:03``."""
    whole = 0.0
    for part in text.split(":"):
        whole = 60 * whole + float(part)
    return whole


@dataclass(frozen=True)
class ClipOptions(Options):
    """What is done with the frames of a clip, besides :class:`RenderOptions`.

    Args:
        smooth: the time in seconds over which what stands still is averaged, against flicker, also
            while the camera moves (:mod:`faststyle.video.canvas`); 0 for none.
        start: the second from which on they are stylized.
        end: the second until when; none is the clip's end.
    """

    smooth: Annotated[float, "clips: seconds to average over against flicker", _SECONDS] = 0.5
    start: Annotated[float, "clips: 12.5 or 1:02:03", _SECONDS, seconds] = 0.0
    end: Annotated[
        float | None,
        "clips: as --start; default: their end",
        MoreThan("start", "seconds"),
        seconds,
    ] = None
