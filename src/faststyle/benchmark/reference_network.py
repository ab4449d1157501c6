"""The transform network that faststyle's is measured against: the textbook way.

Every layer a module, a copy for each padding, upsampling before convolving. It stands apart from
the rest of the reference, which imports torchvision, for seconds.
"""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from faststyle.networks.noise import AddNoise


class ReferenceNetwork(nn.Module):
    """The transform network of ``network=johnson`` and ``network=small``, module by module.

    Its weights have the names that :class:`faststyle.networks.TransformNetwork` gives them.

    Args:
        width: as there.
        blocks: as there.
        padding: ``reflect`` or ``zero``.
        noise: as there.
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
