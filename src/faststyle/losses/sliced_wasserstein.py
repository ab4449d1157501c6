"""Style by the distribution of features along random directions: at ``input``, the palette."""

from collections.abc import Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.core.limits import Between, InRange
from faststyle.losses.base import STYLE_LOSSES, StyleLoss, Target
from faststyle.losses.sampling import fixed_sample, mix_samples, some_places, vectors

#: The least variance that a painting counts as having, in parts of its energy or the picture's: one
#: of hardly any contrast should not outweigh all others.
_MIN_VARIANCE = 0.1


@STYLE_LOSSES.register("sliced_wasserstein")
class SlicedWasserstein(StyleLoss):
    """The sliced Wasserstein distance of features (Rabin et al., 2011; Heitz et al., 2021).

    L = C / V * mean over directions d and quantiles q of (Q_q(F d) - Q_q(T d))^2

    F are the picture's vectors, T as many random ones of the painting, d random unit vectors that
    are drawn anew in each step, and V is the summed variance of the channels of T. So L is
    relative: 1 is about the distance of one color from the painting. At the layer ``input`` it is
    a palette: which colors there are, and how much of each.

    Args:
        projections: how many directions.
        pool: features are averaged over squares of so many a side first.
        samples: how many vectors of a painting are kept, and compared at most.
        contrast: how far the painting's vectors are stretched about their mean, at 1 not at all.
    """

    def __init__(
        self,
        projections: Annotated[int, Between(1, 4096)] = 32,
        pool: Annotated[int, Between(1, 64)] = 1,
        samples: Annotated[int, Between(1, 1_000_000)] = 16384,
        contrast: Annotated[float, InRange(0, 10)] = 1.0,
    ) -> None:
        super().__init__()
        self.projections, self.pool, self.samples = projections, pool, samples
        self.contrast = contrast

    def target(self, features: Tensor) -> Target:
        """Vectors of the painting (N, samples, C), stretched, and the variance of them (N,)."""
        every = self._vectors(features)
        every = every.mean(1, keepdim=True).lerp(every, self.contrast)
        return fixed_sample(every, self.samples), every.var(1, correction=0).sum(1)

    def forward(self, features: Tensor, target: Target, generator: torch.Generator) -> Tensor:
        """L of each picture, (N,)."""
        kept, variance = target
        with torch.autocast(features.device.type, enabled=False):
            found = self._vectors(features)
            places = some_places(found.shape[1], self.samples, generator).to(found.device)
            found = found.index_select(1, places)
            drawn = torch.randint(kept.shape[1], (len(places),), generator=generator)
            wanted = kept[:, drawn.to(kept.device)]
            directions = torch.randn(found.shape[2], self.projections, generator=generator)
            directions = F.normalize(directions, dim=0).to(found)
            along = ((each @ directions).sort(1).values for each in (found, wanted.to(found)))
            difference = next(along) - next(along)
            energies = (each.detach().square().sum(2).mean(1) for each in (found, wanted))
            floor = _MIN_VARIANCE * torch.maximum(*energies).to(found)
            energy = variance.to(found).maximum(floor).clamp_min(torch.finfo(found.dtype).tiny)
            return difference.square().mean((1, 2)) * found.shape[2] / energy

    def mix(self, targets: Sequence[Target], shares: Sequence[float]) -> Target:
        """Of each painting its share of the vectors, and the variance of them together."""
        kept = mix_samples([each for each, _ in targets], list(shares))
        return kept, kept.var(1, correction=0).sum(1)

    def _vectors(self, features: Tensor) -> Tensor:
        side = min(self.pool, *features.shape[2:])
        return vectors(F.avg_pool2d(features, side) if side > 1 else features)
