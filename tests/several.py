"""A network of several styles, for tests of what is done with one."""

import torch
from torch import nn

from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle

#: A painting at three sizes, and another at one.
STYLES = (
    *(
        StyleMetadata("night", style_size=size, title="Night", artist="Vincent", license="free")
        for size in (256, 176, 416)
    ),
    StyleMetadata("wave", style_size=256, title="Wave", artist="Hokusai", license="free"),
)


def several_styles(width: int = 4, styles: tuple[StyleMetadata, ...] = STYLES) -> TrainedStyle:
    """Random weights, with a scale and a shift of its own for each of the ``styles``."""
    torch.manual_seed(0)
    network = TransformNetwork(width, 1, noise=1, styles=len(styles)).eval().requires_grad_(False)
    for parameter in network.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, 1, 0.5)
    metadata = StyleMetadata("all", styles=styles, steps=7).of_network(network)
    return TrainedStyle(network, metadata)
