"""Arithmetic of pixels: RGB, channels first, uint8 or float in [0, 1]."""

from collections.abc import Iterator

import torch
from torch import Tensor

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
