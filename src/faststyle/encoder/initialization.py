"""Random weights to begin with, or to do without trained ones."""

import torch
from torch import nn


def he_initialize(network: nn.Module, generator: torch.Generator | None = None) -> None:
    """Weights that keep the variance of activations from layer to layer (He et al., 2015).

    Zero-mean normal with variance 2 / fan_in; biases zero; batch norms the identity.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()
