"""A decoded picture between its file and the networks."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from faststyle.images.pixels import to_unit

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

    def with_depth(self, bits: int | None) -> "Picture":
        """The picture for a file of 8 or 16 bits a channel; none keeps ``bit_depth``.

        For 16 bits pixels and alpha become float, so that a result is not rounded to bytes.
        """
        if bits != 16:
            return replace(self, bit_depth=bits or self.bit_depth)
        alpha = None if self.alpha is None else to_unit(self.alpha)
        return replace(self, pixels=to_unit(self.pixels), alpha=alpha, bit_depth=16)

    def without_hidden(self) -> "Picture":
        """The picture with white where it is less opaque than :data:`FAINT`.

        The colors there, which nobody sees, would change their surroundings in a network.
        """
        if self.alpha is None:
            return self
        white = 1 if self.pixels.is_floating_point() else 255
        pixels = torch.where(self.alpha < FAINT * white, white, self.pixels)
        return replace(self, pixels=pixels)
