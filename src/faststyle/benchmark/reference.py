"""What faststyle is measured against: the textbook way, in eager float32 and default layout.

The same losses, put together as tutorials and pytorch/examples' fast_neural_style do: the whole
encoder run on the photo and on the stylized picture, torchvision's transforms for data.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms

from faststyle.encoder import VGGEncoder


class ReferenceLoss(nn.Module):
    """Content and style terms at the relative scale (each divided by its target's energy).

    The style is that of :class:`faststyle.losses.statistics.Moments`.

    Args:
        encoder: gives the weights; its modules are run here one by one.
        content: layer -> weight.
        style: layer -> weight.
        style_weight: of all style layers together.
        style_image: (3, H, W) in [0, 1].
    """

    def __init__(
        self,
        encoder: VGGEncoder,
        content: Mapping[str, float],
        style: Mapping[str, float],
        style_weight: float,
        style_image: Tensor,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.content, self.style, self.style_weight = content, style, style_weight
        self.last = max(encoder.names.index(layer) for layer in [*content, *style])
        with torch.no_grad():
            features = self.encode(style_image[None])
            self.targets = {layer: _moments(features[layer]) for layer in style}

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """All layers down to the deepest that the loss needs."""
        x = (images - self.encoder.mean) / self.encoder.std
        features = {}
        for name, module in zip(self.encoder.names, self.encoder.features, strict=True):
            x = torch.relu(x) if isinstance(module, nn.ReLU) else module(x)
            features[name] = x
            if len(features) > self.last:
                break
        return features

    def forward(self, features: Mapping[str, Tensor], photo: Mapping[str, Tensor]) -> Tensor:
        """The loss of a stylized batch's features, given the photos'."""
        loss = torch.zeros(())
        for layer, weight in self.content.items():
            loss = loss + weight * _relative(features[layer], photo[layer])
        for layer, weight in self.style.items():
            for found, target in zip(_moments(features[layer]), self.targets[layer], strict=True):
                loss = loss + self.style_weight * weight * _relative(found, target)
        return loss


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    n, c, h, w = features.shape
    flat = features.view(n, c, h * w)
    mean = flat.mean(2)
    flat = flat - mean.unsqueeze(2)
    return torch.bmm(flat, flat.transpose(1, 2)) / (c * h * w), mean


def _relative(value: Tensor, target: Tensor) -> Tensor:
    error = (value - target).pow(2).flatten(1).sum(1)
    return (error / target.pow(2).flatten(1).sum(1)).mean()


def reference_loader(folder: Path, size: int, batch_size: int) -> DataLoader[list[Tensor]]:
    """The usual ImageFolder; ``folder`` holds a folder of photos."""
    steps = [transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor()]
    photos = torchvision.datasets.ImageFolder(str(folder), transforms.Compose(steps))
    return DataLoader(photos, batch_size=batch_size, shuffle=True, drop_last=True)
