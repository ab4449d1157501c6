"""Pixels, RGB, channels first, uint8 or float in [0, 1]: a decoded picture, and arithmetic.

A :class:`Picture` is what goes between its file and the networks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.metadata import Metadata

#: Pictures of more pixels are refused before they are decoded (a decompression bomb is small on
#: disk), unless more are asked for.
MAX_PIXELS = 178_956_970

#: Statistics of ImageNet's RGB pixels in [0, 1], which torchvision's VGG weights expect.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

#: Pixels that are processed together where a picture may be large, 12 MB of RGB in float32.
_PART = 1 << 20

# Luma weights of ITU-R BT.601, which JPEG and old television use for brightness.
_LUMA = (0.299, 0.587, 0.114)
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
        metadata: what its photo says of itself; none is nothing.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    icc_profile: bytes | None = None
    bit_depth: int = 8
    masks: Tensor | None = None
    protect_mask: Tensor | None = None
    metadata: Metadata | None = None

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


def to_unit(pixels: Tensor) -> Tensor:
    """Values (uint8, any shape) as float32 in [0, 1]; floats are returned as they are."""
    return pixels if pixels.is_floating_point() else pixels.float().div_(255)


def quantize(pixels: Tensor, bits: int = 8) -> Tensor:
    """Values in [0, 1] (any shape), clamped and rounded, as uint8, or as uint16 for 16 bits.

    For 8 bits, uint8 is returned as it is.
    """
    dtype = torch.uint8 if bits == 8 else torch.uint16
    if pixels.dtype == dtype:
        return pixels
    values = to_unit(pixels.detach()).float().clamp(0, 1)
    return values.mul_(2**bits - 1).round_().to(dtype)


def in_parts(pixels: Tensor) -> Iterator[slice]:
    """Slices of the rows of (C, H, W), from the top, of about a megapixel each."""
    height, width = pixels.shape[-2:]
    rows = max(1, _PART // width)
    return (slice(start, start + rows) for start in range(0, height, rows))


def scaled_size(pixels: Tensor, short_side: int) -> tuple[int, int]:
    """Height and width of (C, H, W) once its shorter side is ``short_side``."""
    height, width = pixels.shape[-2:]
    factor = short_side / min(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def resize(pixels: Tensor, short_side: int) -> Tensor:
    """Scale (C, H, W) to a shorter side of ``short_side`` by :func:`resample`."""
    return resample(pixels, scaled_size(pixels, short_side))


def shrink(pixels: Tensor, short_side: int) -> Tensor:
    """Scale (C, H, W) down to a shorter side of ``short_side``; a smaller one is not changed."""
    return resize(pixels, min(short_side, *pixels.shape[1:]))


def resample(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale (C, H, W), uint8 or in [0, 1], to a height and width; antialiased bicubic."""
    if tuple(pixels.shape[-2:]) == size:
        return pixels
    scaled = torch.nn.functional.interpolate(pixels[None], size, mode="bicubic", antialias=True)
    return scaled[0].clamp(0, 1) if pixels.is_floating_point() else scaled[0]


def to_luma(pixels: Tensor) -> Tensor:
    """Luma (N, 1, H, W) of RGB (N, 3, H, W) by ITU-R BT.601."""
    weights = torch.tensor(_LUMA, dtype=pixels.dtype, device=pixels.device).view(1, 3, 1, 1)
    return (pixels * weights).sum(1, keepdim=True)
