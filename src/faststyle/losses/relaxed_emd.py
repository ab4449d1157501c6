"""Style by the nearest neighbors of features: forms of the painting, wherever they are."""

from collections.abc import Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.core.limits import Between
from faststyle.losses.base import STYLE_LOSSES, StyleLoss, Target
from faststyle.losses.sampling import fixed_sample, mix_samples, some_places, vectors


@STYLE_LOSSES.register("relaxed_emd")
class RelaxedEarthMover(StyleLoss):
    """The relaxed earth mover's distance (Kolkin et al., 2019, STROTSS, eq. 4 to 7).

    L = max(mean_i min_j C_ij, mean_j min_i C_ij), C_ij = 1 - cos(F_i, T_j)

    F_i are features at random places of the picture, T_j of the painting. The first mean asks that
    everything in the picture be found in the painting, the second that nothing of it be left out.

    Args:
        places: how many of each.
        samples: how many vectors of a painting are kept, from which a step draws.
        one_sided: leave out the second mean, for pictures that need not have all of the painting.
    """

    def __init__(
        self,
        places: Annotated[int, Between(1, 65_536)] = 1024,
        samples: Annotated[int, Between(1, 1_000_000)] = 4096,
        one_sided: bool = False,
    ) -> None:
        super().__init__()
        self.places, self.samples, self.one_sided = places, samples, one_sided

    def target(self, features: Tensor) -> Target:
        """Vectors of the painting, (N, samples, C)."""
        return (fixed_sample(vectors(features), self.samples),)

    def forward(self, features: Tensor, target: Target, generator: torch.Generator) -> Tensor:
        """L of each picture, (N,)."""
        [kept] = target
        with torch.autocast(features.device.type, enabled=False):
            every = vectors(features)
            places = some_places(every.shape[1], self.places, generator).to(every.device)
            drawn = some_places(kept.shape[1], self.places, generator).to(kept.device)
            ours = F.normalize(every.index_select(1, places), dim=2)
            theirs = F.normalize(kept[:, drawn].to(every), dim=2)
            # Only the nearest pairs have a gradient, so that the backward pass has no matrices.
            with torch.no_grad():
                cosines = ours @ theirs.mT
            nearest = theirs.take_along_dim(cosines.argmax(2)[..., None], 1)
            forth = _mean_distance(ours, nearest)
            if self.one_sided:
                return forth
            nearest = ours.take_along_dim(cosines.argmax(1)[..., None], 1)
            return torch.maximum(forth, _mean_distance(nearest, theirs))

    def mix(self, targets: Sequence[Target], shares: Sequence[float]) -> Target:
        """Of each painting its share of the vectors."""
        return (mix_samples([each for [each] in targets], list(shares)),)


def _mean_distance(first: Tensor, second: Tensor) -> Tensor:
    """1 - cos of unit vectors (N, P, C) and those at the same places, averaged: (N,)."""
    return 1 - (first * second).sum(2).mean(1)
