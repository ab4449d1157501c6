"""Features that a few narrow convolutions give, under the names of VGG-19's layers."""

from collections.abc import Collection, Iterator

import torch.nn.functional as F
from torch import Tensor, nn

#: Layers of the teacher that are predicted, and how many channels they have there.
HEADS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512}
#: Channels and number of 3x3 convolutions of each stage.
STAGES = ((16, 2), (64, 2), (96, 3), (128, 3))


class LiteFeatures(nn.Module):
    """Stages of 3x3 convolutions; after each a 1x1 convolution and a ReLU give a layer.

    Shapes are those of VGG-19: (N, C, H / 2^k, W / 2^k), where k stages came before.

    Args:
        depth: how many of the four stages there are.
    """

    def __init__(self, depth: int = len(STAGES)) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        self.heads = nn.ModuleDict()
        before = 3
        for (width, convs), (layer, channels) in list(zip(STAGES, HEADS.items(), strict=True))[
            :depth
        ]:
            self.stages.append(_stage(before, width, convs))
            self.heads[layer] = nn.Conv2d(width, channels, 1)
            before = width

    def forward(self, x: Tensor, wanted: Collection[str]) -> Iterator[tuple[str, Tensor]]:
        """Yield (layer, features) of ``x`` (N, 3, H, W), normalized by ImageNet's statistics.

        The heads of layers that are not ``wanted`` are not computed.
        """
        return lite_features(self.stages, self.heads, x, wanted)


def lite_features(
    stages: nn.ModuleList, heads: nn.ModuleDict, x: Tensor, wanted: Collection[str]
) -> Iterator[tuple[str, Tensor]]:
    """See :meth:`LiteFeatures.forward`."""
    for stage, (layer, head) in zip(stages, heads.items(), strict=True):
        if layer != "relu1_2" and min(x.shape[-2:]) > 1:
            x = F.avg_pool2d(x, 2)
        x = stage(x)
        if layer in wanted:
            yield layer, F.relu(head(x), inplace=True)


def _stage(before: int, width: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index in range(depth):
        layers += [nn.Conv2d(width if index else before, width, 3, padding=1), nn.ReLU(True)]
    return nn.Sequential(*layers)
