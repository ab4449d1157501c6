"""What faststyle is measured against: the textbook way, in eager float32 and default layout.

The same network and the same losses, put together as tutorials and pytorch/examples'
fast_neural_style do: every layer a module, a copy for each padding, upsampling before convolving,
the whole encoder run on the photo and on the stylized picture, torchvision's transforms for data.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms

from faststyle.encoder import VGGEncoder


class ReferenceNetwork(nn.Module):
    """The transform network of ``network=johnson`` and ``network=small``, layer by layer."""

    def __init__(self, width: int = 32, blocks: int = 5) -> None:
        super().__init__()
        layers = [
            *_stage(3, width, 9, 1),
            *_stage(width, 2 * width, 3, 2),
            *_stage(2 * width, 4 * width, 3, 2),
            *(_Residual(4 * width) for _ in range(blocks)),
            nn.Upsample(scale_factor=2),
            *_stage(4 * width, 2 * width, 3, 1),
            nn.Upsample(scale_factor=2),
            *_stage(2 * width, width, 3, 1),
            *_convolution(width, 3, 9, 1),
        ]
        self.layers = nn.Sequential(*layers)

    def load(self, state: Mapping[str, Tensor]) -> "ReferenceNetwork":
        """Take the weights of a :class:`faststyle.networks.TransformNetwork` of the same size."""
        self.load_state_dict(dict(zip(self.state_dict(), state.values(), strict=True)))
        return self

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1], H and W multiples of 4, to the same shape."""
        stylized: Tensor = (torch.tanh(self.layers(images)) + 1) / 2
        return stylized


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        first = _stage(channels, channels, 3, 1)
        second = _stage(channels, channels, 3, 1)[:-1]
        self.layers = nn.Sequential(*first, *second)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.layers(x)
        return result


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d(kernel // 2), nn.Conv2d(inputs, outputs, kernel, stride)]


def _stage(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    norm = nn.InstanceNorm2d(outputs, affine=True)
    return [*_convolution(inputs, outputs, kernel, stride), norm, nn.ReLU()]


class ReferenceLoss(nn.Module):
    """Content and style terms at the relative scale (each divided by its target's energy).

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
            self.targets = {layer: _gram(features[layer]) for layer in style}

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
            distance = _relative(_gram(features[layer]), self.targets[layer])
            loss = loss + self.style_weight * weight * distance
        return loss


def _gram(features: Tensor) -> Tensor:
    n, c, h, w = features.shape
    flat = features.view(n, c, h * w)
    return torch.bmm(flat, flat.transpose(1, 2)) / (c * h * w)


def _relative(value: Tensor, target: Tensor) -> Tensor:
    error = (value - target).pow(2).flatten(1).sum(1)
    return (error / target.pow(2).flatten(1).sum(1)).mean()


def reference_loader(folder: Path, size: int, batch_size: int) -> DataLoader[list[Tensor]]:
    """The usual ImageFolder; ``folder`` holds a folder of photos."""
    steps = [transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor()]
    photos = torchvision.datasets.ImageFolder(str(folder), transforms.Compose(steps))
    return DataLoader(photos, batch_size=batch_size, shuffle=True, drop_last=True)
