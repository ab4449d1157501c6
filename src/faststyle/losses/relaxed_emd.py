"""Style by the nearest neighbors of features: forms of the painting, wherever they are."""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor

from faststyle.core.limits import Between
from faststyle.losses.base import STYLE_LOSSES, StyleLoss, Target
from faststyle.losses.sampling import (
    cosine_distances,
    fixed_sample,
    mix_samples,
    some_places,
    vectors,
)


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

    Raises:
        UserError: a count that is not in its range.
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
            costs = cosine_distances(every[:, places], kept[:, drawn].to(every))
            forth = costs.amin(2).mean(1)
            return forth if self.one_sided else torch.maximum(forth, costs.amin(1).mean(1))

    def mix(self, targets: Sequence[Target], shares: Sequence[float]) -> Target:
        """Of each painting its share of the vectors."""
        return (mix_samples([each for [each] in targets], list(shares)),)
