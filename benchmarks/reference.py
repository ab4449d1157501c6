"""What faststyle is measured against: the textbook way, in eager float32 and default layout.

Put together as tutorials and pytorch/examples' fast_neural_style do: every layer a module, a copy
for each padding, upsampling before convolving, the whole encoder run on the photo and on the
stylized picture, torchvision's transforms for data.
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder
from faststyle.losses.defaults import CONTENT, STYLE, STYLE_WEIGHT
from faststyle.networks import NETWORKS
from faststyle.networks.noise import AddNoise
from faststyle.networks.stages import pad_to_multiple

#: Options of the networks that this can compute, and what torch calls their paddings.
_OPTIONS = {"norm": "instance", "upsample": "resize", "output": "tanh", "styles": 1}
Padding = Literal["reflect", "zeros"]
_PADDINGS: dict[str, Padding] = {"reflect": "reflect", "zero": "zeros"}


def reference_network(network: nn.Module) -> nn.Module:
    """A transform network module by module, with a copy of its weights.

    Maps (N, 3, H, W) in [0, 1], H and W multiples of 4, to the same shape. Raises ``UserError`` for
    another network.
    """
    kind, options = NETWORKS.describe(network)
    is_known = all(options.get(name) == value for name, value in _OPTIONS.items())
    if kind != "johnson" or not is_known or options["padding"] not in _PADDINGS:
        raise UserError(
            f"the reference has instance norm, reflection and resize-convolution only: {kind} has"
            f" {options}"
        )
    padding = _PADDINGS[options["padding"]]
    sizes = {name: options[name] for name in ("width", "blocks", "noise", "margin")}
    reference = _Network(padding=padding, **sizes)
    reference.load_state_dict(copy.deepcopy(network.state_dict()), assign=True)
    return reference


class _Network(nn.Sequential):
    """Its weights have the names that :class:`faststyle.networks.TransformNetwork` gives them."""

    def __init__(self, width: int, blocks: int, noise: int, margin: int, padding: Padding) -> None:
        super().__init__()
        self.margin, deep = margin, 4 * width
        self.stem = _stage(3, width, padding, kernel=9)
        self.down1 = _stage(width, 2 * width, padding, stride=2)
        self.down2 = _stage(2 * width, deep, padding, stride=2)
        self.noise = AddNoise(deep, noise) if noise else nn.Identity()
        self.blocks = nn.Sequential(*(_Block(deep, padding) for _ in range(blocks)))
        self.up1 = nn.Sequential(nn.Upsample(scale_factor=2), *_stage(deep, 2 * width, padding))
        self.up2 = nn.Sequential(nn.Upsample(scale_factor=2), *_stage(2 * width, width, padding))
        self.head = nn.Conv2d(width, 3, 9, padding=4, padding_mode=padding)

    def forward(self, images: Tensor) -> Tensor:
        (height, width), margin = images.shape[-2:], self.margin
        x = F.pad(pad_to_multiple(images, margin + 1), (margin,) * 4, mode="reflect")
        x = super().forward(x)  # type: ignore[no-untyped-call]
        stylized: Tensor = (torch.tanh(x) + 1) / 2
        return stylized[..., margin : margin + height, margin : margin + width]


def _stage(
    inputs: int, outputs: int, padding: Padding, kernel: int = 3, stride: int = 1
) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, padding_mode=padding)
    return nn.Sequential(conv, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU())


class _Block(nn.Sequential):
    def __init__(self, channels: int, padding: Padding) -> None:
        super().__init__()
        self.conv1, self.norm1, self.relu = _stage(channels, channels, padding)
        self.conv2, self.norm2, _ = _stage(channels, channels, padding)

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return x + changed


class ReferenceLoss(nn.Module):
    """Content and style terms at the relative scale (each divided by its target's energy).

    The style is that of :class:`faststyle.losses.gram.Moments`, of ``style_image``, (3, H, W) in
    [0, 1]. Modules of ``encoder`` are run here one by one.
    """

    def __init__(self, encoder: VGGEncoder, style_image: Tensor) -> None:
        super().__init__()
        self.encoder = encoder
        self.last = max(encoder.names.index(layer) for layer in [*CONTENT, *STYLE])
        with torch.no_grad():
            features = self.encode(style_image[None])
            self.targets = {layer: _moments(features[layer]) for layer in STYLE}

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """All layers down to the deepest that the loss needs."""
        x = (images - self.encoder.mean) / self.encoder.std
        features = {}
        layers = list(zip(self.encoder.names, self.encoder.features, strict=True))
        for name, module in layers[: self.last + 1]:
            x = torch.relu(x) if isinstance(module, nn.ReLU) else module(x)
            features[name] = x
        return features

    def forward(self, features: Mapping[str, Tensor], photo: Mapping[str, Tensor]) -> Tensor:
        """The loss of a stylized batch's features, given the photos'."""
        loss = torch.zeros(())
        for layer, weight in CONTENT.items():
            loss = loss + weight * _relative(features[layer], photo[layer])
        for layer, weight in STYLE.items():
            for moment, target in zip(_moments(features[layer]), self.targets[layer], strict=True):
                loss = loss + STYLE_WEIGHT * weight * _relative(moment, target)
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
    import torchvision  # takes seconds
    from torchvision import transforms

    steps = [transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor()]
    photos = torchvision.datasets.ImageFolder(str(folder), transforms.Compose(steps))
    return DataLoader(photos, batch_size=batch_size, shuffle=True, drop_last=True)
