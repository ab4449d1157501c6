"""What faststyle is measured against: the textbook way, in eager float32 and default layout.

Put together as tutorials and pytorch/examples' fast_neural_style do: every layer a module, a copy
for each padding, upsampling before convolving, the whole encoder run on the photo and on the
stylized picture, torchvision's transforms for data.
"""

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from faststyle.encoder import VGGEncoder
from faststyle.networks.noise import AddNoise


class ReferenceNetwork(nn.Module):
    """The transform network of ``network=johnson`` and ``network=small``, module by module.

    Its weights have the names that :class:`faststyle.networks.TransformNetwork` gives them.

    Args:
        width: channels of the first layer.
        blocks: residual blocks.
        padding: ``reflect`` or ``zero``.
        noise: octaves of noise, or 0.
    """

    def __init__(
        self, width: int = 32, blocks: int = 5, padding: str = "reflect", noise: int = 0
    ) -> None:
        super().__init__()
        self.pad = nn.ReflectionPad2d if padding == "reflect" else nn.ZeroPad2d
        self.stem = _stage(3, width, 9, 1)
        self.down1 = _stage(width, 2 * width, 3, 2)
        self.down2 = _stage(2 * width, 4 * width, 3, 2)
        self.noise = AddNoise(4 * width, noise) if noise else nn.Identity()
        self.blocks = nn.ModuleList(_block(4 * width) for _ in range(blocks))
        self.up1 = nn.Sequential(nn.Upsample(scale_factor=2), *_stage(4 * width, 2 * width, 3, 1))
        self.up2 = nn.Sequential(nn.Upsample(scale_factor=2), *_stage(2 * width, width, 3, 1))
        self.head = nn.Conv2d(width, 3, 9)

    def load(self, state: Mapping[str, Tensor]) -> "ReferenceNetwork":
        """Take the weights of a ``TransformNetwork`` of the same size."""
        self.load_state_dict(dict(state))
        return self

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1], H and W multiples of 4, to the same shape."""
        x = images
        for stage in (self.stem, self.down1, self.down2):
            x = self._run(stage, x)
        x = self.noise(x)
        for block in self.blocks:
            x = x + self._run(block, x)
        for stage in (self.up1, self.up2):
            x = self._run(stage, x)
        stylized: Tensor = (torch.tanh(self.head(self.pad(4)(x))) + 1) / 2
        return stylized

    def _run(self, layers: nn.Module, x: Tensor) -> Tensor:
        """One module after another, convolutions on a padded copy."""
        for layer in layers.children():
            if isinstance(layer, nn.Conv2d):
                x = self.pad(layer.kernel_size[0] // 2)(x)
            x = layer(x)
        return x


def _stage(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride)
    return nn.Sequential(conv, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU())


def _block(channels: int) -> nn.Sequential:
    layers: dict[str, nn.Module] = {}
    for index in (1, 2):
        layers[f"conv{index}"] = nn.Conv2d(channels, channels, 3)
        layers[f"norm{index}"] = nn.InstanceNorm2d(channels, affine=True)
        if index == 1:
            layers["relu"] = nn.ReLU()
    return nn.Sequential(OrderedDict(layers))


class ReferenceLoss(nn.Module):
    """Content and style terms at the relative scale (each divided by its target's energy).

    The style is that of :class:`faststyle.losses.gram.Moments`.

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
            for moment, target in zip(_moments(features[layer]), self.targets[layer], strict=True):
                loss = loss + self.style_weight * weight * _relative(moment, target)
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
