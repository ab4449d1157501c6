"""Networks that enlarge, small and untrained, but for a last layer that is not 0."""

from pathlib import Path

import torch
from torch import nn

from faststyle.networks import SuperResolutionNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, write_style


def upscaler_style(factor: int = 4, blocks: int = 1) -> TrainedStyle:
    """One of few channels."""
    torch.manual_seed(0)
    network = SuperResolutionNetwork(factor, width=4, blocks=blocks).eval().requires_grad_(False)
    nn.init.normal_(network.head.weight, std=0.02)
    return TrainedStyle(network, StyleMetadata(f"enlarge_x{factor}").of_network(network))


def write_upscaler(path: Path, factor: int = 4) -> Path:
    """Its file."""
    write_style(upscaler_style(factor), path)
    return path
