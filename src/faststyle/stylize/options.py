"""How pictures are to be stylized, in one piece from the command line or Python to the pixels."""

import math
from argparse import Namespace
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self

from faststyle.core.errors import UserError, nearest
from faststyle.images.picture import Picture
from faststyle.images.pixels import MAX_PIXELS, check_scaled, resize, scaled_size
from faststyle.stylize.color import COLORS

#: What statistics of instance normalization come from where there is a mask.
STATISTICS = ("region", "picture")
#: What a style may spare.
PROTECTED = ("faces",)
#: Pillow trips over far more, and pictures have few more pixels.
MAX_FEATHER = 10_000
#: Strips of fewer rows would be mostly overlap.
MIN_ROWS = 32


@dataclass(frozen=True)
class StylizeOptions:
    """How pictures are stylized, whether from Python, from files, of clips or in an app.

    Args:
        size: short side in pixels to scale to first; none keeps the size.
        strength: 0 leaves the photo as it is, 1 is the style alone, between is a blend.
        color: whose colors: ``painting``, or those of the ``photo``, by pixel, by ``mean`` and
            covariance, or by distribution (``hist``); see :mod:`faststyle.stylize.color`.
        feather: of masks: over how many pixels, of the result, their edges are softened.
        protect: ``faces`` to let much of the photo stay in faces, of files of pictures
            (:mod:`faststyle.stylize.faces`).
        statistics: of masks: whether colors inside are as in a picture of its own (``region``) or
            as if all of the ``picture`` were stylized.
        tile: how many rows to compute at a time, each picture by itself, which bounds memory for
            twice the time (:mod:`faststyle.networks.streaming`); ``off`` for all at once; ``auto``
            to do so where the pictures would take half of the memory that is free.
        batch_size: of files: how many pictures of one size are stylized together.
        max_pixels: the largest picture that is tried; none is
            :data:`faststyle.stylize.tiling.MAX_PIXELS` for a picture in one piece, and as many as
            :mod:`faststyle.images.files` reads in strips.
        smooth: of clips: the time in seconds over which what stands still is averaged, against
            flicker, also while the camera moves (:mod:`faststyle.video.canvas`); 0 for
            none.
        start: of clips: the second from which on they are stylized.
        end: likewise until when; none is their end.
        quality: of JPEG, WebP, AVIF and clips, from 1 to 100; none is 95 for pictures, and for
            clips what looks lossless, about 65.
        bit_depth: of a channel: 8; 16 in PNG and TIFF files; or 10 in clips, which then keep high
            dynamic range. None is that of the photo, and 8 in clips.
        lossless: of WebP: keep every pixel, whatever the quality.

    Raises:
        UserError: a value outside its range; the message begins with the field's name.
    """

    MAX_STRENGTH: ClassVar[float] = 1.0

    size: int | None = None
    strength: float = 1.0
    color: str = "painting"
    feather: float = 0.0
    statistics: str = "region"
    protect: str | None = None
    tile: int | str = "auto"
    batch_size: int = 1
    max_pixels: int | None = None
    smooth: float = 0.5
    start: float = 0.0
    end: float | None = None
    quality: int | None = None
    bit_depth: int | None = None
    lossless: bool = False

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise UserError(f"size is {self.size}; it must be at least 1 pixel")
        if not 0 <= self.strength <= self.MAX_STRENGTH:
            limit = f"{self.MAX_STRENGTH:g}"
            raise UserError(f"strength is {self.strength}; it must lie between 0 and {limit}")
        for name, choices in (
            ("color", COLORS),
            ("statistics", STATISTICS),
            ("protect", PROTECTED),
        ):
            value = getattr(self, name)
            if value is not None and value not in choices:
                raise UserError(f'{name} is "{value}": {nearest(value, choices)}')
        if not 0 <= self.feather <= MAX_FEATHER:
            raise UserError(
                f"feather is {self.feather}; it must lie between 0 and {MAX_FEATHER:,} pixels"
            )
        if self.tile not in ("auto", "off") and not _is_tile(self.tile):
            raise UserError(
                f'tile is "{self.tile}"; it must be auto, off, or {MIN_ROWS} rows or more'
            )
        if self.batch_size < 1:
            raise UserError(f"batch_size is {self.batch_size}; it must be at least 1")
        if self.max_pixels is not None and self.max_pixels < 1:
            raise UserError(f"max_pixels is {self.max_pixels}; it must be at least 1")
        if not self.smooth >= 0:
            raise UserError(f"smooth is {self.smooth}; it must be 0 or more seconds")
        if not 0 <= self.start < math.inf:
            raise UserError(f"start is {self.start}; it must be 0 or more seconds")
        if self.end is not None and not self.end > self.start:
            raise UserError(f"end is {self.end}; it must be more seconds than the start")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UserError(f"quality is {self.quality}; it must lie between 1 and 100")
        if self.bit_depth not in (None, 8, 10, 16):
            raise UserError(f"bit_depth is {self.bit_depth}; it must be 8, 10 or 16")

    @classmethod
    def from_arguments(cls, args: Namespace) -> Self:
        """From the flags of a command line that are called like fields; there may be others.

        Raises ``UserError``, which names the flag.
        """
        given = {field.name for field in fields(cls)} & set(vars(args))
        try:
            return cls(**{name: getattr(args, name) for name in given})
        except UserError as error:
            name, _, problem = str(error).partition(" ")
            raise UserError(f"--{name.replace('_', '-')} {problem}") from None

    def size_of(self, picture: Picture) -> tuple[int, int]:
        """Height and width of what ``picture`` becomes."""
        if self.size is not None:
            return scaled_size(picture.pixels, self.size)
        return picture.pixels.shape[1], picture.pixels.shape[2]

    def scale(self, picture: Picture) -> Picture:
        """``picture``, with its transparency and masks, at the size that it is stylized at.

        Raises ``UserError`` if that is more than ``max_pixels``, as a long and thin one may be.
        """
        if self.size is None:
            return picture
        check_scaled(picture.pixels, self.size, self.max_pixels or MAX_PIXELS)
        alpha, masks, protect_mask = (
            None if part is None else resize(part, self.size)
            for part in (picture.alpha, picture.masks, picture.protect_mask)
        )
        pixels = resize(picture.pixels, self.size)
        return replace(picture, pixels=pixels, alpha=alpha, masks=masks, protect_mask=protect_mask)


def _is_tile(tile: int | str) -> bool:
    return isinstance(tile, int) and tile >= MIN_ROWS
