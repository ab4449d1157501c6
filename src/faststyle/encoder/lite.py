"""A small loss network, distilled from VGG-19, that ships with faststyle."""

from collections.abc import Iterator
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.assets import bundled_file
from faststyle.core.errors import UserError
from faststyle.encoder.base import LOSS_NETWORKS, LossNetwork
from faststyle.encoder.weights import he_initialize, read_state

#: Layers of the teacher that are predicted, and how many channels they have there.
HEADS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512}
#: Channels and number of 3x3 convolutions of each stage.
STAGES = ((16, 2), (64, 2), (96, 3), (128, 3))


@LOSS_NETWORKS.register("lite")
class LiteEncoder(LossNetwork):
    """Predicts VGG-19's features channel by channel, at an eighth of its arithmetic.

    Four stages of narrow 3x3 convolutions, each followed by a 1x1 convolution with a ReLU that
    predicts a layer of the teacher under the teacher's name, so that the same losses, layers and
    weights work unchanged, and shapes are VGG-19's. The teacher was rescaled to unit activations
    first.

    Args:
        weights: ``bundled``, the path of a ``.safetensors`` or ``.pth`` file that
            ``faststyle distill`` wrote, or ``random`` (to be trained).
        frozen: make the weights constants that no optimizer sees and no checkpoint holds.

    Raises:
        UserError: weights that cannot be read or do not fit.
    """

    def __init__(self, weights: str = "bundled", frozen: bool = True) -> None:
        super().__init__(tuple(HEADS), weights)
        self.stages = nn.ModuleList()
        self.heads = nn.ModuleDict()
        before = 3
        for (width, depth), (layer, channels) in zip(STAGES, HEADS.items(), strict=True):
            self.stages.append(_stage(before, width, depth))
            self.heads[layer] = nn.Conv2d(width, channels, 1)
            before = width
        if weights == "random":
            he_initialize(self)
        else:
            self._load(weights)
        if frozen:
            self.freeze()

    def iter_features(self, x: Tensor, wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
        """The wanted layers; the heads of others are not computed."""
        for stage, (layer, head) in zip(self.stages, self.heads.items(), strict=True):
            if layer != "relu1_2" and min(x.shape[-2:]) > 1:
                x = F.avg_pool2d(x, 2)
            x = stage(x)
            if layer in wanted:
                yield layer, F.relu(head(x), inplace=True)

    def _load(self, weights: str) -> None:
        bundled = weights == "bundled"
        path = bundled_file("lite_encoder.safetensors") if bundled else Path(weights).expanduser()
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
