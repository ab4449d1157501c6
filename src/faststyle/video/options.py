"""Which part of a clip is stylized, and how calm it is."""

from dataclasses import dataclass

from faststyle.core.options import Options, option


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

    smooth: float = option(
        0.5, "clips: seconds to average over against flicker", low=0, unit="seconds"
    )
    start: float = option(0.0, "clips: 12.5 or 1:02:03", low=0, unit="seconds", parse=seconds)
    end: float | None = option(
        None, "clips: as --start; default: their end", above="start", unit="seconds", parse=seconds
    )
