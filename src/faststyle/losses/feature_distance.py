"""Content by features: the term of Johnson et al. (2016, eq. 2)."""

import torch
from torch import Tensor

from faststyle.losses.base import ContentLoss, Target
from faststyle.losses.normalization import LossNormalization


class FeatureDistance(ContentLoss):
    """The squared distance of features from the photo's.

    Args:
        normalization: what it is measured in.
    """

    def __init__(self, normalization: LossNormalization) -> None:
        super().__init__()
        self.normalization = normalization

    def target(self, features: Tensor) -> Target:
        """The features themselves."""
        return (features,)

    def forward(self, features: Tensor, target: Target, _generator: torch.Generator) -> Tensor:
        """The distance of each picture, (N,)."""
        return self.normalization.content(features, target[0])
