"""A VGG with batch norm that tells classes apart (Simonyan and Zisserman, 2015)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.core.limits import OneOf
from faststyle.encoder.vgg import ARCHITECTURES
from faststyle.encoder.weights import he_initialize
from faststyle.images.pixels import IMAGENET_MEAN, IMAGENET_STD

#: Those that train from scratch without tricks.
_NORMALIZED = tuple(arch for arch in ARCHITECTURES if arch.endswith("_bn"))
_HIDDEN, _WIDE = 512, 4096


class Classifier(nn.Module):
    """torchvision's convolutions, and linear layers, which are normalized too (Liu and Deng, 2015).

    There are two on the mean over positions, 512 wide (``small``), which is usual for CIFAR-10, or
    the paper's three, 4096 wide, on 2 x 2 means (``paper``), with 25 million weights more.
    Weights are He et al.'s (2015): zero mean, variance 2 / fan_in; biases zero.

    Args:
        arch: ``vgg11_bn``, ``vgg13_bn``, ``vgg16_bn`` or ``vgg19_bn``.
        classes: how many there are.
        dropout: chance that a hidden unit is left out in training.
        head: ``small`` or ``paper``.

    Raises:
        UserError: an unknown architecture or head, or a chance outside of 0 to 1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        arch: str = "vgg16_bn",
        classes: int = 10,
        dropout: float = 0.5,
        head: str = "small",
    ) -> None:
        super().__init__()
        OneOf(("small", "paper")).check("classifier.head", head)
        OneOf(_NORMALIZED).check("classifier.arch", arch)
        if not 0 <= dropout < 1:
            raise UserError(f"classifier.dropout is {dropout}; it must be at least 0 and below 1")
        with torch.device("meta"):  # skip the initialization of 100 million classifier weights
            features = torchvision.models.get_model(arch, weights=None).features
        self.features: nn.Sequential = features.to_empty(device="cpu")
        make = _small_head if head == "small" else _paper_head
        self.classifier = make(classes, dropout)
        self._places = 1 if head == "small" else 2
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN))
        self.register_buffer("std", torch.tensor(IMAGENET_STD))
        he_initialize(self)

    def normalize_by(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Subtract the channels' ``mean`` and divide by ``std`` (3 each) instead of ImageNet's."""
        self.mean.copy_(torch.tensor(mean))
        self.std.copy_(torch.tensor(std))

    def forward(self, images: Tensor) -> Tensor:
        """Scores (N, classes) of ``images`` (N, 3, H, W; RGB in [0, 1]; H and W at least 32)."""
        x = (images - self.mean.view(1, 3, 1, 1)) / self.std.view(1, 3, 1, 1)
        # The paper's head sees what was not pooled a last time.
        x = (self.features if self._places == 1 else self.features[:-1])(x)
        scores: Tensor = self.classifier(F.adaptive_avg_pool2d(x, self._places).flatten(1))
        return scores


def _small_head(classes: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(_HIDDEN, _HIDDEN),
        nn.BatchNorm1d(_HIDDEN),
        nn.ReLU(True),
        nn.Dropout(dropout),
        nn.Linear(_HIDDEN, classes),
    )


def _paper_head(classes: int, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (4 * _HIDDEN, _WIDE):
        normalized = nn.BatchNorm1d(_WIDE)
        layers += [nn.Linear(before, _WIDE), normalized, nn.ReLU(True), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(_WIDE, classes), nn.BatchNorm1d(classes))
