"""Which numbers a model takes and gives for pixels."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from faststyle.images.pixels import IMAGENET_MEAN, IMAGENET_STD

Triple = tuple[float, float, float]


class Pixels(NamedTuple):
    """A range of pixels: those in [0, 1], less ``mean``, by ``std``, for each of RGB."""

    name: str
    mean: Triple
    std: Triple

    def encode(self, unit: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] as the model takes it."""
        mean, std = torch.tensor(self[1:]).view(2, 1, 3, 1, 1).unbind()
        return (unit - mean) / std

    def decode(self, values: Tensor) -> Tensor:
        """What the model gave, in [0, 1] or a little beyond."""
        mean, std = torch.tensor(self[1:]).view(2, 1, 3, 1, 1).unbind()
        return values * std + mean


BYTES = Pixels("from 0 to 255", (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))
UNIT = Pixels("from 0 to 1", (0, 0, 0), (1, 1, 1))
SIGNED = Pixels("from -1 to 1", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET = Pixels("normalized by ImageNet's mean and deviation", IMAGENET_MEAN, IMAGENET_STD)

#: No normalized pixel is so large, and no picture of bytes is so dark.
_NORMALIZED = 10.0
#: How far networks without a last tanh or sigmoid leave their range.
_BEYOND = 0.25


def guess_pixels(run: Callable[[Tensor], Tensor], size: tuple[int, int]) -> Pixels | None:
    """By what a model makes of a gray ramp of ``size``, where its file does not say.

    A network takes pixels in the range in which it gives them. None if it gives one number alone,
    or what is none.
    """
    ramp = torch.linspace(0, 1, size[0] * size[1]).view(1, 1, *size).expand(1, 3, *size)
    if _reach(run(BYTES.encode(ramp)))[1] > _NORMALIZED:
        return BYTES
    low, high = _reach(run(UNIT.encode(ramp)))
    if not low < high:
        return None
    if low > -_BEYOND:
        return UNIT
    return SIGNED if max(-low, high) < 1 + _BEYOND / 5 else IMAGENET


def _reach(values: Tensor) -> tuple[float, float]:
    """The least and the largest value, but for one in a hundred."""
    flat = values.float().flatten().sort().values
    margin = len(flat) // 100
    return float(flat[margin]), float(flat[-1 - margin])
