"""What a style loss and a content loss are, and the names that settings and files know them by."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from faststyle.core.registry import Registry
from faststyle.losses.normalization import LossNormalization, RelativeEnergy

#: What a painting, or a photo, asks of a picture at one layer: tensors (1, ...) or (N, ...).
Target = tuple[Tensor, ...]


class LayerLoss(nn.Module, ABC):
    """How far the features of pictures at one layer are from a target.

    It may have options, buffers and random numbers. Options are values that JSON holds; a registry
    captures them. Random numbers come from the generator that it is given, so that they are a
    function of the seed and the step of a training.
    """

    @abstractmethod
    def target(self, features: Tensor) -> Target:
        """What features (N, C, H, W) of a painting, or of photos, ask for: tensors (N, ...)."""

    @abstractmethod
    def forward(self, features: Tensor, target: Target, generator: torch.Generator) -> Tensor:
        """The distance of each picture's features (N, C, H, W): (N,), in float32 or better.

        ``target`` is what :meth:`target` gave, (N, ...), or (1, ...) for all pictures alike.
        ``generator`` is on the CPU, so that random numbers are the same on every device.
        """


class StyleLoss(LayerLoss):
    """A distance from a painting; the shapes of its targets are the same for every painting."""

    def mix(self, targets: Sequence[Target], shares: Sequence[float]) -> Target:
        """One target of several paintings, whose ``shares`` add up to 1: by default the mean."""
        parts = zip(*targets, strict=True)
        return tuple(
            torch.stack([each * share for each, share in zip(part, shares, strict=True)]).sum(0)
            for part in parts
        )


class ContentLoss(LayerLoss):
    """A distance from the photo."""


class StatisticLoss(StyleLoss):
    """A style loss that compares statistics; what their difference is measured in can be chosen.

    L = sum over the statistics of ``normalization``'s distance of each from its target
    """

    #: :class:`~faststyle.losses.perceptual.PerceptualLoss` gives each its own ``scale``.
    normalization: LossNormalization = RelativeEnergy()

    @abstractmethod
    def statistics(self, features: Tensor) -> Target:
        """One or several statistics, each (N, ...), of ``features`` (N, C, H, W)."""

    def target(self, features: Tensor) -> Target:
        """The statistics of ``features``."""
        return self.statistics(features)

    def forward(self, features: Tensor, target: Target, _generator: torch.Generator) -> Tensor:
        """The sum of the distances of all statistics, (N,)."""
        pairs = zip(self.statistics(features), target, strict=True)
        return torch.stack([self.normalization.style(*pair) for pair in pairs]).sum(0)


class FeatureDistance(ContentLoss):
    """The squared distance of features from the photo's (Johnson et al., 2016, eq. 2)."""

    def __init__(self, normalization: LossNormalization) -> None:
        super().__init__()
        self.normalization = normalization

    def target(self, features: Tensor) -> Target:
        """The features themselves."""
        return (features,)

    def forward(self, features: Tensor, target: Target, _generator: torch.Generator) -> Tensor:
        """The distance of each picture, (N,)."""
        return self.normalization.content(features, target[0])


#: What ``loss.statistic``, and a term's ``loss``, may name.
STYLE_LOSSES = Registry[StyleLoss]("style loss")
#: What a term's ``loss`` may name besides.
CONTENT_LOSSES = Registry[ContentLoss]("content loss")
