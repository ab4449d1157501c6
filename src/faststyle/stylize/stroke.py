"""Strokes of another size than a network was trained for, by stylizing at another scale.

A network's strokes have a size in pixels. Of a picture at half the size, they are twice as large;
what is lost is everything finer. So the fine part comes from a second pass at the full size: of the
Laplacian pyramid (Burt and Adelson, 1983) of the result, the coarse levels are those of the small
pass and the fine ones those of the large. For smaller strokes, an enlarged picture is stylized and
scaled down, and nothing is lost.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.pixels import quantize, resample, to_unit

#: Beyond these, a picture has too few pixels for the network, or the network too much to do.
SMALLEST, LARGEST = 0.25, 8.0

#: Maps pictures (N, 3, H, W), uint8 or in [0, 1], to stylized ones of the same shape.
RunNetwork = Callable[[Tensor], Tensor]


def check_stroke(stroke: float) -> None:
    """Raise ``UserError`` if strokes of that size cannot be made."""
    if not SMALLEST <= stroke <= LARGEST:
        raise UserError(f"stroke is {stroke}; it must lie between {SMALLEST:g} and {LARGEST:g}")


def scaled_for(stroke: float, height: int, width: int) -> tuple[int, int]:
    """The size of the picture, in pixels, that the network sees for strokes of that size."""
    return max(1, round(height / stroke)), max(1, round(width / stroke))


def with_stroke(run_network: RunNetwork, pictures: Tensor, stroke: float) -> Tensor:
    """``pictures``, stylized with strokes that are ``stroke`` times as large as usual."""
    if stroke == 1:
        return run_network(pictures)
    height, width = pictures.shape[2:]
    other = run_network(_scaled(pictures, scaled_for(stroke, height, width)))
    if stroke < 1:
        return _scaled(other, (height, width))
    stylized = run_network(pictures)
    for picture, coarse in zip(stylized, other, strict=True):
        for fine, goal in zip(picture, coarse, strict=True):  # a channel, since these are floats
            _move(fine[None], goal[None])
    return stylized


def _scaled(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    return torch.stack([resample(picture, size) for picture in pictures])


def _move(fine: Tensor, goal: Tensor) -> None:
    """Give one channel (1, H, W), in place, the coarse levels of a smaller one."""
    size = (fine.shape[1], fine.shape[2])
    coarse = resample(to_unit(fine), (goal.shape[1], goal.shape[2]))
    # Not by resample, which keeps pictures in [0, 1].
    change = torch.nn.functional.interpolate(
        (to_unit(goal) - coarse)[None], size, mode="bicubic", antialias=True
    )[0]
    moved = (to_unit(fine) + change).clamp_(0, 1)
    fine.copy_(quantize(moved) if fine.dtype == torch.uint8 else moved)
