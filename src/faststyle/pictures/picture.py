"""A decoded picture, and what has to survive the way back to a file."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Picture:
    """A decoded picture and what has to survive the way back to a file.

    ``pixels``: (3, H, W), float32 in [0, 1] or uint8. ``alpha``: likewise (1, H, W), or none.
    ``icc_profile``: the color profile that ``pixels`` are in, or none for sRGB. ``masks``: where
    each of R styles goes, uint8 (R, H, W), 255 being there, a later one covering earlier ones; or
    none if a style goes everywhere.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    icc_profile: bytes | None = None
    masks: Tensor | None = None

    def without_hidden(self) -> "Picture":
        """The same, white where it is fully transparent.

        A network would let the colors that nobody sees there change the rest.
        """
        if self.alpha is None:
            return self
        white = 1 if self.pixels.is_floating_point() else 255
        return replace(self, pixels=torch.where(self.alpha == 0, white, self.pixels))
