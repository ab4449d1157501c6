"""How pictures are rendered; which files they come from and go to is the matter of others."""

from dataclasses import dataclass
from typing import Annotated

from faststyle.core.limits import InRange, OneOf, Options

#: Whose colors; see :mod:`faststyle.stylize.color`.
COLORS = ("painting", "photo", "mean", "hist")
#: What convolutions compute in; see :class:`faststyle.stylize.stylizer.Stylizer`.
PRECISIONS = ("auto", "32", "bf16", "16")
DEFAULT_PRECISION = "auto"
#: Strips of fewer rows would be mostly overlap.
MIN_ROWS = 32
_TILE = InRange(MIN_ROWS, unit="rows", words=("auto", "off"))
#: Pictures have few more pixels a side.
_FEATHER = InRange(0, 10_000, "pixels")


@dataclass(frozen=True)
class RenderOptions(Options):
    """What becomes of a picture, whether of a file, of a clip, of an app or of Python.

    Args:
        size: short side in pixels to scale to first; none keeps the size.
        strength: 0 leaves the photo as it is, and 1 is the style alone. Between, the paint gets
            thicker in a file that knows the photo as a style, as ``gallery``, or else the two
            pictures are blended.
        color: whose colors: ``painting``, or those of the ``photo``, by pixel, by ``mean`` and
            covariance, or by distribution (``hist``); see :mod:`faststyle.stylize.color`.
        feather: over how many pixels of the result the edges of masks are softened.
        statistics: whether colors inside a mask are as in a picture of its own (``region``) or as
            if all of the ``picture`` were stylized.
        tile: how many rows to compute at a time, each picture by itself, which bounds memory for
            twice the time (:mod:`faststyle.networks.streaming`); ``off`` for all at once; ``auto``
            to do so where the pictures would take half of the memory that is free.
        max_pixels: the largest picture that is tried; none is 16 million for a picture in one
            piece, and 178 million in strips.
    """

    size: Annotated[
        int | None, "short side in pixels; default: unchanged", InRange(1, unit="pixel")
    ] = None
    strength: Annotated[float, "0 (photo) to 1 (style)", InRange(0, 1)] = 1.0
    color: Annotated[
        str,
        "whose colors: the photo's by pixel, mean and covariance, or distribution",
        OneOf(COLORS),
    ] = "painting"
    feather: Annotated[float, "pixels over which edges of masks are soft", _FEATHER] = 0.0
    statistics: Annotated[
        str,
        "colors inside a mask as in a picture of its own, or as if all were stylized",
        OneOf(("region", "picture")),
    ] = "region"
    tile: Annotated[int | str, "auto (large pictures in strips), off, or rows", _TILE] = "auto"
    max_pixels: Annotated[
        int | None, "refuse larger results; 16 million, or 178 with --tile", InRange(1)
    ] = None


DEFAULT_RENDER = RenderOptions()


@dataclass(frozen=True)
class UpscaleOptions(RenderOptions):
    """The same options, but that ``strength`` may be 2: details are made up to twice as strong.

    A loss takes the mean of what could be there, whose edges are weaker than a photo's.
    """

    strength: Annotated[float, "0 (bicubic), 1 (network), to 2 (sharper)", InRange(0, 2)] = 1.0
    tile: Annotated[int | str, "auto (large pictures in squares), off, or their side", _TILE] = (
        "auto"
    )
