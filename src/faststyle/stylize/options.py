"""How pictures are rendered; which files they come from and go to is the matter of others."""

from dataclasses import dataclass
from typing import Any

from faststyle.core.options import Options, option

#: Whose colors; see :mod:`faststyle.stylize.color`.
COLORS = ("painting", "photo", "mean", "hist")
#: What convolutions compute in; see :class:`faststyle.stylize.stylizer.Stylizer`.
PRECISIONS = ("auto", "32", "bf16", "16")
DEFAULT_PRECISION = "auto"
#: Strips of fewer rows would be mostly overlap.
MIN_ROWS = 32
_TILE: dict[str, Any] = {"words": ("auto", "off"), "low": MIN_ROWS, "unit": "rows"}
#: Pictures have few more pixels a side.
_FEATHER: dict[str, Any] = {"low": 0, "high": 10_000, "unit": "pixels"}


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

    size: int | None = option(None, "short side in pixels; default: unchanged", low=1, unit="pixel")
    strength: float = option(1.0, "0 (photo) to 1 (style)", low=0, high=1)
    color: str = option(
        "painting",
        "whose colors: the photo's by pixel, mean and covariance, or distribution",
        choices=COLORS,
    )
    feather: float = option(0.0, "pixels over which edges of masks are soft", **_FEATHER)
    statistics: str = option(
        "region",
        "colors inside a mask as in a picture of its own, or as if all were stylized",
        choices=("region", "picture"),
    )
    tile: int | str = option("auto", "auto (large pictures in strips), off, or rows", **_TILE)
    max_pixels: int | None = option(
        None, "refuse larger results; 16 million, or 178 with --tile", low=1
    )


DEFAULT_RENDER = RenderOptions()


@dataclass(frozen=True)
class UpscaleOptions(RenderOptions):
    """The same options, but that ``strength`` may be 2: details are made up to twice as strong.

    A loss takes the mean of what could be there, whose edges are weaker than a photo's.
    """

    strength: float = option(1.0, "0 (bicubic), 1 (network), to 2 (sharper)", low=0, high=2)
    tile: int | str = option(
        "auto", "auto (large pictures in squares), off, or their side", **_TILE
    )
