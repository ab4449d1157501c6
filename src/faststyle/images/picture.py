"""A decoded picture, and what has to survive the way back to a file."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from faststyle.images.pixels import to_unit

#: The opacity below which nobody sees colors: what is behind changes by 3 of 255 levels at most.
FAINT = 1 / 64


@dataclass(frozen=True)
class Picture:
    """A decoded picture and what has to survive the way back to a file.

    ``pixels``: (3, H, W), float32 in [0, 1] or uint8. ``alpha``: likewise (1, H, W), or none.
    ``icc_profile``: the color profile that ``pixels`` are in, or none for sRGB. ``bit_depth``: 8 or
    16, how many bits of a channel a file is to hold. ``masks``: where each of R styles goes, uint8
    (R, H, W), 255 being there, a later one covering earlier ones; or none if a style goes
    everywhere. ``protect_mask``: how much of the photo stays whatever the style, uint8 (1, H, W),
    or none.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    icc_profile: bytes | None = None
    bit_depth: int = 8
    masks: Tensor | None = None
    protect_mask: Tensor | None = None

    def with_depth(self, bits: int | None) -> "Picture":
        """The same for a file of so many bits, 8 or 16; none keeps them.

        For 16 the pixels become float, since bytes would round what is computed of them.
        """
        if bits != 16:
            return replace(self, bit_depth=bits or self.bit_depth)
        alpha = None if self.alpha is None else to_unit(self.alpha)
        return replace(self, pixels=to_unit(self.pixels), alpha=alpha, bit_depth=16)

    def without_hidden(self) -> "Picture":
        """The same, white where it is less opaque than :data:`FAINT`.

        A network would let the colors that nobody sees there change the rest.
        """
        if self.alpha is None:
            return self
        white = 1 if self.pixels.is_floating_point() else 255
        pixels = torch.where(self.alpha < FAINT * white, white, self.pixels)
        return replace(self, pixels=pixels)
