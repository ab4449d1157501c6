"""Normalizations of the loss: how a difference becomes a number.

Every method returns one value per picture, shape (N,), in float32 or better.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from faststyle.core.precision import widen
from faststyle.core.registry import Registry

#: A target counts as having at least this part of the picture's own energy. Without a floor, one
#: blank photo would outweigh a thousand others; an absolute one would depend on the encoder.
MIN_ENERGY = 1e-3


class LossNormalization(ABC):
    """The distances of features and statistics to their targets, and the total variation."""

    @abstractmethod
    def content(self, value: Tensor, target: Tensor, /) -> Tensor:
        """Squared distance of features (N, C, H, W) to the content's."""

    @abstractmethod
    def style(self, value: Tensor, target: Tensor, /) -> Tensor:
        """Squared distance of a style statistic (N, ...) to its target, (N, ...) or (1, ...)."""

    @abstractmethod
    def variation(self, images: Tensor, /) -> Tensor:
        """Squared differences of neighboring pixels of (N, 3, H, W) in [0, 1]."""


#: What ``loss.scale`` may name.
NORMALIZATIONS = Registry[LossNormalization]("loss.scale")


@NORMALIZATIONS.register("relative")
class RelativeEnergy(LossNormalization):
    """Each distance in parts of its target's energy: one weight means the same everywhere.

    That is across encoders, layers, sizes and styles. See :func:`relative_distance`.
    """

    def content(self, value: Tensor, target: Tensor, /) -> Tensor:
        """||F - T||^2 / ||T||^2: 1 is the distance of a blank from the target."""
        return relative_distance(value, target)

    def style(self, value: Tensor, target: Tensor, /) -> Tensor:
        """||S - T||^2 / ||T||^2."""
        return relative_distance(value, target)

    def variation(self, images: Tensor, /) -> Tensor:
        """The mean in each direction, so that the size of the picture does not matter.

        mean_chw (x[h+1] - x[h])^2 + mean_chw (x[w+1] - x[w])^2; total variation has no target to
        be relative to.
        """
        down, right = _steps(images)
        return _energy(down) / max(1, down[0].numel()) + _energy(right) / max(1, right[0].numel())


@NORMALIZATIONS.register("paper")
class JohnsonNormalization(LossNormalization):
    """The scale of Johnson et al. (2016)."""

    def content(self, value: Tensor, target: Tensor, /) -> Tensor:
        """Mean over C, H, W of (F - T)^2 (their eq. 2)."""
        return (widen(value) - widen(target)).square().mean((1, 2, 3))

    def style(self, value: Tensor, target: Tensor, /) -> Tensor:
        """The squared Frobenius norm ||G - T||^2 (their eq. 4)."""
        return _energy(value - target)

    def variation(self, images: Tensor, /) -> Tensor:
        """sum_chw (x[h+1] - x[h])^2 + (x[w+1] - x[w])^2 (with beta = 2)."""
        down, right = _steps(images)
        return _energy(down) + _energy(right)


def relative_distance(
    value: Tensor,
    target: Tensor,
    reference: Tensor | None = None,
    min_energy: float = MIN_ENERGY,
) -> Tensor:
    """||value - target||^2 / ||reference||^2 of each picture, (N,).

    ``value`` is (N, ...), ``target`` too, or (1, ...) for all alike; ``reference`` has the target's
    shape, and is the target if none. The divisor is at least ``min_energy`` of ||value||^2.
    """
    value, target = widen(value), widen(target)
    floor = min_energy * _energy(value.detach())
    energy = _energy(target if reference is None else widen(reference)).maximum(floor)
    return _energy(value - target) / energy.clamp_min(torch.finfo(value.dtype).tiny)


def _steps(images: Tensor) -> tuple[Tensor, Tensor]:
    """From each pixel to the next, downwards and to the right."""
    images = widen(images)
    return images.diff(dim=2), images.diff(dim=3)


def _energy(x: Tensor) -> Tensor:
    return x.square().flatten(1).sum(1)
