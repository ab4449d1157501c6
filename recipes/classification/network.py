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
_HIDDEN = 512


class Classifier(nn.Module):
    """torchvision's convolutions, the mean over positions, and two linear layers.

    The linear layers are small (512 wide) and normalized too, as is usual for CIFAR-10 (Liu and
    Deng, 2015): torchvision's own, made for ImageNet, would be 120 million weights on top of 15.
    Weights are He et al.'s (2015): zero mean, variance 2 / fan_in; biases zero.

    Args:
        arch: ``vgg11_bn``, ``vgg13_bn``, ``vgg16_bn`` or ``vgg19_bn``.
        classes: how many there are.
        dropout: chance that a hidden unit is left out in training.

    Raises:
        UserError: an unknown architecture, or a chance outside of 0 to 1.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, arch: str = "vgg16_bn", classes: int = 10, dropout: float = 0.5) -> None:
        super().__init__()
        OneOf(_NORMALIZED).check("classifier.arch", arch)
        if not 0 <= dropout < 1:
            raise UserError(f"classifier.dropout is {dropout}; it must be at least 0 and below 1")
        with torch.device("meta"):  # skip the initialization of 100 million classifier weights
            features = torchvision.models.get_model(arch, weights=None).features
        self.features: nn.Sequential = features.to_empty(device="cpu")
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.BatchNorm1d(_HIDDEN),
            nn.ReLU(True),
            nn.Dropout(dropout),
            nn.Linear(_HIDDEN, classes),
        )
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
        x = F.adaptive_avg_pool2d(self.features(x), 1).flatten(1)
        scores: Tensor = self.classifier(x)
        return scores
