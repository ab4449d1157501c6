"""A decoded picture, and what has to survive the way back to a file."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Picture:
    """A decoded picture and what has to survive the way back to a file.

    ``pixels``: (3, H, W), float32 in [0, 1] or uint8. ``alpha``: likewise (1, H, W), or none.
    ``icc_profile``: the color profile that ``pixels`` are in, or none for sRGB.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    icc_profile: bytes | None = None
