"""Content by how the places of a picture relate to each other, whatever they look like."""

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.core.limits import Between
from faststyle.losses.base import CONTENT_LOSSES, ContentLoss, Target
from faststyle.losses.sampling import some_places, vectors


@CONTENT_LOSSES.register("self_similarity")
class SelfSimilarity(ContentLoss):
    """The distance of self-similarities (Kolkin et al., 2019, STROTSS, eq. 8).

    L = P * mean_ij |D_ij - E_ij|, D_ij = d_ij / sum_k d_ik, d_ij = 1 - cos(F_i, F_j)

    F_i are the features of the picture at P random places, and E is the same of the photo. What is
    one thing in the photo, as a flat sky, has to stay one thing, whatever it is painted as.

    Args:
        places: P, at most; a distance is computed for each pair.
    """

    def __init__(self, places: Annotated[int, Between(1, 65_536)] = 576) -> None:
        super().__init__()
        self.places = places

    def target(self, features: Tensor) -> Target:
        """The photos' features as they are."""
        return (features,)

    def forward(self, features: Tensor, target: Target, generator: torch.Generator) -> Tensor:
        """L of each picture, (N,)."""
        with torch.autocast(features.device.type, enabled=False):
            found, wanted = vectors(features), vectors(target[0])
            places = some_places(found.shape[1], self.places, generator).to(found.device)
            ours, theirs = (_relations(each.index_select(1, places)) for each in (found, wanted))
            return (ours - theirs).abs().mean((1, 2)) * len(places)


def _relations(values: Tensor) -> Tensor:
    """Distances of vectors (N, P, C) to each other, (N, P, P), the sum of each row being 1."""
    unit = F.normalize(values, dim=2)
    distances = 1 - unit @ unit.mT
    # Of one color, each place is at no distance from any.
    return distances / distances.sum(2, keepdim=True).clamp_min(1e-6)
