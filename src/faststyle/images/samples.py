"""Samples as a file stores them, of any depth and sample format, by imagecodecs and tifffile."""

from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ImageFile

Values = npt.NDArray[Any]


class Samples(NamedTuple):
    """What a file stores.

    Args:
        values: (H, W, C), uint8 or uint16, 0 being black (of CMYK: no ink).
        mode: ``L``, ``RGB``, ``CMYK`` or ``LAB``, whose channels come first.
        has_alpha: whether the next channel is the opacity.
        is_premultiplied: whether colors are multiplied by it.
    """

    values: Values
    mode: str
    has_alpha: bool = False
    is_premultiplied: bool = False


class SampledFile(ImageFile.ImageFile):
    """A file of which more can be read than Pillow does."""

    @property
    def bit_depth(self) -> int:
        """16 if channels have more than 8 bits, else 8."""
        return 8

    @property
    def encoding(self) -> str:
        """The name of what Pillow cannot decode right; empty if it can."""
        return ""

    def read_samples(self, file: IO[bytes]) -> Samples:
        """Decode the file, read from its begin. Raises whatever its decoder does for damage."""
        raise NotImplementedError


def samples_of(values: Values, bits: int) -> Samples:
    """Values (H, W) or (H, W, C), gray or RGB with or without opacity, as samples."""
    values = values.reshape(*values.shape[:2], -1)
    mode = "RGB" if values.shape[2] > 2 else "L"
    return Samples(to_full_range(values, bits), mode, values.shape[2] in (2, 4))


def to_full_range(values: Values, bits: int | Values) -> Values:
    """Values of any type as uint8 or uint16, scaled from the range of so many bits.

    Floats are clipped to [0, 1], infinity being 1 and what is no number 0. Of numbers with a sign,
    those below 0 are black.
    """
    largest = 255 if np.max(bits) <= 8 else 65535
    top = 2.0 ** (bits - (values.dtype.kind == "i")) - 1
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):  # of 64 bits
            values, top = np.nan_to_num(values.astype(np.float32), posinf=1, neginf=0), 1
    if np.any(top != largest):
        values = np.clip(values * np.float32(largest / top), 0, largest).round()
    return values.astype(np.uint8 if largest == 255 else np.uint16, copy=False)
