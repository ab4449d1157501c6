"""A network of several styles, baked into a network of one that is a mixture of them."""

import torch
from torch import Tensor, nn

from faststyle.networks.conditional import mix_norms
from faststyle.networks.registry import NETWORKS


def bake_style(network: nn.Module, style_weights: Tensor) -> nn.Module:
    """The network of one style that computes what ``network``, of S styles, does with a mixture.

    ``style_weights`` (S,) are the share of each style. The result shares the convolutions, is in
    evaluation mode and has no gradients.
    """
    name, options = NETWORKS.describe(network)
    with torch.device("meta"):
        plain = NETWORKS.build(name, **{**options, "styles": 1})
    with torch.no_grad():
        mixed = mix_norms(network, style_weights)
        norms = {name: value.flatten() for name, value in mixed.items()}
    plain.load_state_dict(network.state_dict() | norms, assign=True)
    return plain.requires_grad_(False).eval()


class StyleInterpolator:
    """Changes the style weights that a network is baked with in place, in microseconds.

    All scales and shifts of a style are one row of a matrix, and those of the baked network lie in
    one vector, which style weights fill by one product. ``plain`` is what :func:`bake_style` made
    of ``network``, on any device.
    """

    def __init__(self, network: nn.Module, plain: nn.Module) -> None:
        own = dict(plain.named_parameters())
        tables = dict(network.named_parameters())
        names = [name for name, table in tables.items() if table.shape != own[name].shape]
        first = own[names[0]]
        with torch.no_grad():
            self._table = torch.cat([tables[name] for name in names], 1).T.to(first).contiguous()
            self._vector = torch.cat([own[name] for name in names])
        parts = torch.split(self._vector, [len(own[name]) for name in names])
        for name, part in zip(names, parts, strict=True):
            own[name].data = part

    def mix(self, style_weights: Tensor) -> None:
        """Compute with the weights (S,) of the styles from now on."""
        torch.mv(self._table, style_weights.to(self._table), out=self._vector)
