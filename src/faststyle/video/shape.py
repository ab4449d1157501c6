"""How large frames are in a file, and how wide their pixels are shown."""

from fractions import Fraction
from typing import NamedTuple

from torch import Tensor

from faststyle.files.clip_formats import FrameCoding

#: How wide MPEG-2 can have frames shown for their height, and how near to it is near enough.
_SHOWN_BY_MPEG2 = (Fraction(4, 3), Fraction(16, 9), Fraction(221, 100))
_NEAR = Fraction(1, 200)
#: A pixel that is so many times wider than high, or higher than wide, is a mistake of the file's.
_WIDEST = 8


class Shape(NamedTuple):
    """Pixels of a frame, and the width of one of them for its height."""

    height: int
    width: int
    aspect: Fraction


def fit(stated: Shape, coding: FrameCoding) -> Shape:
    """What frames are in a file: of square pixels where no others can be said.

    Sides are even but for GIF, since colors are stored by 2 x 2 pixels.
    """
    height, width, aspect = stated
    if not 1 / _WIDEST <= aspect <= _WIDEST:
        aspect = Fraction(1)
    if aspect != 1 and not _is_said(Shape(height, width, aspect), coding):
        width, height = max(width, round(width * aspect)), max(height, round(height / aspect))
        aspect = Fraction(1)
    if coding.pixels == "pal8":
        return Shape(height, width, aspect)
    return Shape(max(2, height - height % 2), max(2, width - width % 2), aspect)


def _is_said(shape: Shape, coding: FrameCoding) -> bool:
    if coding.codec != "mpeg2video":
        return "aspect" in coding.says
    shown = shape.aspect * shape.width / shape.height
    return any(abs(shown / known - 1) < _NEAR for known in _SHOWN_BY_MPEG2)


def cut(pixels: Tensor, height: int, width: int) -> Tensor:
    """Without what is beyond; a single row or column is there twice."""
    cut = pixels[:, :height, :width]
    return cut.repeat(1, height // cut.shape[1], width // cut.shape[2])
