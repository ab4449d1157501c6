"""Scales of the loss: how a difference becomes a number.

Every method returns one value per picture, shape (N,), in float32 or better.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from faststyle.core.precision import widen

#: A target counts as having at least this part of the picture's own energy. Without a floor, one
#: blank photo would outweigh a thousand others; an absolute one would depend on the encoder.
MIN_ENERGY = 1e-3


class LossNormalization(ABC):
    """The distances of features and statistics to their targets, and the total variation.

    A ``reference`` has the shape of its target, which it mostly is, and says what is much.
    """

    @abstractmethod
    def content(self, value: Tensor, target: Tensor, reference: Tensor, /) -> Tensor:
        """Squared distance of features (N, C, H, W) to the content's."""

    @abstractmethod
    def style(self, value: Tensor, target: Tensor, reference: Tensor, /) -> Tensor:
        """Squared distance of a style statistic (N, ...) to its target, (N, ...) or (1, ...)."""

    @abstractmethod
    def variation(self, images: Tensor, /) -> Tensor:
        """Squared differences of neighboring pixels of (N, 3, H, W) in [0, 1]."""


class RelativeEnergy(LossNormalization):
    """Each distance in parts of its target's energy: one weight means the same everywhere.

    That is across encoders, layers, sizes and styles. ||F - T||^2 / ||T||^2 of features and
    statistics alike, so 1 is the distance of a blank from the target.

    Args:
        min_energy: the divisor is at least this part of ||F||^2.
    """

    def __init__(self, min_energy: float = MIN_ENERGY) -> None:
        self._min_energy = min_energy

    def content(self, value: Tensor, target: Tensor, reference: Tensor, /) -> Tensor:
        """||F - T||^2 / ||R||^2, where the reference R mostly is T itself."""
        value, target = widen(value), widen(target)
        floor = self._min_energy * _energy(value.detach())
        energy = _energy(widen(reference)).maximum(floor)
        return _energy(value - target) / energy.clamp_min(torch.finfo(value.dtype).tiny)

    def style(self, value: Tensor, target: Tensor, reference: Tensor, /) -> Tensor:
        """As :meth:`content`."""
        return self.content(value, target, reference)

    def variation(self, images: Tensor, /) -> Tensor:
        """The mean in each direction, so that the size of the picture does not matter.

        mean_chw (x[h+1] - x[h])^2 + mean_chw (x[w+1] - x[w])^2; total variation has no target to
        be relative to.
        """
        down, right = _differences(images)
        return down.sum((1, 2, 3)) / max(1, down[0].numel()) + right.sum((1, 2, 3)) / max(
            1, right[0].numel()
        )


class JohnsonNormalization(LossNormalization):
    """The scale of Johnson et al. (2016)."""

    def content(self, value: Tensor, target: Tensor, _: Tensor, /) -> Tensor:
        """Mean over C, H, W of (F - T)^2 (their eq. 2)."""
        return (widen(value) - widen(target)).square().mean((1, 2, 3))

    def style(self, value: Tensor, target: Tensor, _: Tensor, /) -> Tensor:
        """The squared Frobenius norm ||G - T||^2 (their eq. 4)."""
        return _energy(value - target)

    def variation(self, images: Tensor, /) -> Tensor:
        """sum_chw (x[h+1] - x[h])^2 + (x[w+1] - x[w])^2 (with beta = 2)."""
        down, right = _differences(images)
        return down.sum((1, 2, 3)) + right.sum((1, 2, 3))


#: What ``loss.scale`` may name.
NORMALIZATIONS: dict[str, type[LossNormalization]] = {
    "relative": RelativeEnergy,
    "paper": JohnsonNormalization,
}


def _differences(images: Tensor) -> tuple[Tensor, Tensor]:
    """Squared, downwards and to the right."""
    images = widen(images)
    down = (images[:, :, 1:] - images[:, :, :-1]).square()
    right = (images[:, :, :, 1:] - images[:, :, :, :-1]).square()
    return down, right


def _energy(x: Tensor) -> Tensor:
    return x.square().flatten(1).sum(1)
