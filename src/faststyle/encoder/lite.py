"""A small loss network, distilled from VGG-19, that ships with faststyle."""

from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.errors import UserError, nearest
from faststyle.encoder.freeze import freeze
from faststyle.encoder.weights import IMAGENET_MEAN, IMAGENET_STD, read_state

#: Layers of the teacher that are predicted, and how many channels they have there.
HEADS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512}
#: Channels and number of 3x3 convolutions of each stage.
STAGES = ((16, 2), (64, 2), (96, 3), (128, 3))


class LiteEncoder(nn.Module):
    """Predicts VGG-19's features channel by channel, at an eighth of its arithmetic.

    Four stages of narrow 3x3 convolutions, each followed by a 1x1 convolution with a ReLU that
    predicts a layer of the teacher under the teacher's name, so that the same losses, layers and
    weights work unchanged. The teacher was rescaled to unit activations first. ``input`` is the
    normalized picture itself.

    Args:
        weights: ``bundled``, the path of a ``.safetensors`` or ``.pth`` file that
            ``scripts/distill_encoder.py`` wrote, or ``random`` (to be trained).
        frozen: make the weights constants that no optimizer sees and no checkpoint holds.

    Raises:
        UserError: weights that cannot be read or do not fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: str = "bundled", frozen: bool = True) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        self.heads = nn.ModuleDict()
        before = 3
        for (width, depth), (layer, channels) in zip(STAGES, HEADS.items(), strict=True):
            self.stages.append(_stage(before, width, depth))
            self.heads[layer] = nn.Conv2d(width, channels, 1)
            before = width
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        if weights == "random":
            self.apply(_initialize)
        else:
            self._load(weights)
        if frozen:
            freeze(self)
            super().train(False)

    def check_layers(self, layers: Iterable[str]) -> None:
        """Raise ``UserError`` for a layer that is not predicted, naming the nearest that is."""
        known = ("input", *HEADS)
        for layer in layers:
            if layer not in known:
                raise UserError(f'the lite encoder has no layer "{layer}": {nearest(layer, known)}')

    def forward(self, images: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Features of ``images`` (N, 3, H, W; RGB in [0, 1]) at ``layers``, and no deeper.

        Returns layer -> (N, C, H / 2^k, W / 2^k) as VGG-19 does. Raises ``UserError`` for an
        unknown layer.
        """
        wanted = set(layers)
        self.check_layers(wanted)
        x = (images - self.mean) / self.std
        found = {"input": x} if "input" in wanted else {}
        for stage, (layer, head) in zip(self.stages, self.heads.items(), strict=True):
            if len(found) == len(wanted):
                break
            if layer != "relu1_2" and min(x.shape[-2:]) > 1:
                x = F.avg_pool2d(x, 2)
            x = stage(x)
            if layer in wanted:
                found[layer] = F.relu(head(x), inplace=True)
        return found

    def _load(self, weights: str) -> None:
        bundled = resources.files("faststyle") / "assets" / "lite_encoder.safetensors"
        path = Path(str(bundled)) if weights == "bundled" else Path(weights).expanduser()
        state = {name: value.float() for name, value in read_state(path).items()}
        try:
            self.load_state_dict(state)
        except RuntimeError:
            raise UserError(f"{path} holds no weights of the lite encoder") from None


def _stage(before: int, width: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index in range(depth):
        layers += [nn.Conv2d(width if index else before, width, 3, padding=1), nn.ReLU(True)]
    return nn.Sequential(*layers)


def _initialize(module: nn.Module) -> None:
    """He et al. (2015): activations keep their variance from layer to layer."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        assert module.bias is not None
        nn.init.zeros_(module.bias)
