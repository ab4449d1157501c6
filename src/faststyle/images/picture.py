"""A decoded picture between its file and the networks."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.pixels import MAX_PIXELS, resize, scaled_size, to_unit

#: The opacity below which nobody sees colors: they change the background by 3 of 255 levels.
FAINT = 1 / 64


@dataclass(frozen=True)
class Picture:
    """A decoded picture, and the data that a result keeps.

    Args:
        pixels: (3, H, W), float32 in [0, 1] or uint8.
        alpha: the opacity, (1, H, W), of the same type; none is opaque.
        icc_profile: the color profile of ``pixels``; none is sRGB.
        bit_depth: the bits of a channel that a file is to hold, 8 or 16.
        masks: where each of R styles goes, uint8 (R, H, W), from 0 to 255, a later one covering
            earlier ones; none is one style everywhere.
        protect_mask: how much of the photo stays whatever the style, uint8 (1, H, W); none is
            nothing.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    icc_profile: bytes | None = None
    bit_depth: int = 8
    masks: Tensor | None = None
    protect_mask: Tensor | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def size_at(self, short_side: int | None) -> tuple[int, int]:
        """Height and width once the shorter side is ``short_side``; none keeps the size."""
        return self.size if short_side is None else scaled_size(self.pixels, short_side)

    def scaled(self, short_side: int | None, max_pixels: int | None = None) -> "Picture":
        """The same, with its transparency and masks, at :meth:`size_at`.

        Raises ``UserError`` if that is more than ``max_pixels``, or else than
        :data:`~faststyle.images.pixels.MAX_PIXELS`, as a long and thin one may be.
        """
        if short_side is None:
            return self
        height, width = self.size_at(short_side)
        if height * width > (max_pixels or MAX_PIXELS):
            raise UserError(
                f"{self.size[1]:,} x {self.size[0]:,} pixels, scaled to a short side of"
                f" {short_side}, would be {width:,} x {height:,}: too many"
            )
        alpha, masks, protect_mask = (
            None if part is None else resize(part, short_side)
            for part in (self.alpha, self.masks, self.protect_mask)
        )
        pixels = resize(self.pixels, short_side)
        return replace(self, pixels=pixels, alpha=alpha, masks=masks, protect_mask=protect_mask)

    def as_floats(self) -> "Picture":
        """The picture with pixels and alpha as float32 in [0, 1]."""
        alpha = None if self.alpha is None else to_unit(self.alpha)
        return replace(self, pixels=to_unit(self.pixels), alpha=alpha)

    def with_depth(self, bits: int | None) -> "Picture":
        """The picture for a file of 8 or 16 bits a channel; none keeps ``bit_depth``.

        For 16 bits pixels and alpha become float, so that a result is not rounded to bytes.
        """
        if bits != 16:
            return replace(self, bit_depth=bits or self.bit_depth)
        return replace(self.as_floats(), bit_depth=16)

    def without_hidden(self) -> "Picture":
        """The picture with white where it is less opaque than :data:`FAINT`.

        The colors there, which nobody sees, would change their surroundings in a network.
        """
        if self.alpha is None:
            return self
        white = 1 if self.pixels.is_floating_point() else 255
        pixels = torch.where(self.alpha < FAINT * white, white, self.pixels)
        return replace(self, pixels=pixels)
