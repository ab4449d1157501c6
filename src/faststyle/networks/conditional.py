"""Several styles in one network (Dumoulin, Shlens and Kudlur, 2017, A learned representation).

All convolutions are shared; in every instance normalization each style has a scale and a shift of
its own. A weighted mean of these is a style again.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.precision import widen
from faststyle.networks.stages import NETWORKS

#: As many styles as a network may have.
MAX_STYLES = 1024


class ConditionalInstanceNorm2d(nn.InstanceNorm2d):
    """Instance normalization with a scale and a shift for each of several styles.

    ``weight`` and ``bias`` are tables (styles, C). It cannot compute with these: :func:`mix_norms`
    gives what takes their place, which is (N, C, 1, 1) or (1, C, 1, 1).
    """

    def __init__(self, channels: int, styles: int) -> None:
        super().__init__(channels, affine=True)
        self.weight = nn.Parameter(torch.ones(styles, channels))
        self.bias = nn.Parameter(torch.zeros(styles, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        if torch.compiler.is_exporting():
            y = F.instance_norm(x, eps=self.eps)
            return torch.addcmul(self.bias.to(y), y, self.weight.to(y))
        # As instance_norm does it, whose weights are one for all pictures: with those of float32 it
        # rounds the result alone.
        count, channels, *size = x.shape
        scale, shift = (
            widen(each).expand(count, -1, -1, -1).flatten() for each in (self.weight, self.bias)
        )
        pictures = x.reshape(1, count * channels, *size)
        return F.batch_norm(pictures, None, None, scale, shift, True, 0, self.eps).view_as(x)


def count_styles(network: nn.Module) -> int:
    """How many styles are to be mixed in ``network``; 0 if it has one, or they are mixed."""
    tables = [norm.weight for _, norm in _norms(network) if norm.weight.dim() == 2]
    return len(tables[0]) if tables else 0


def mix_norms(network: nn.Module, style_weights: Tensor) -> dict[str, Tensor]:
    """The scales and shifts of a mixture of styles, by the names of the parameters they replace.

    ``style_weights`` are the share of each of S styles in each of N pictures, (N, S), or in all
    pictures, (S,); then results are (N, C, 1, 1) or (1, C, 1, 1).
    """
    weights = style_weights.view(-1, style_weights.shape[-1], 1)
    # As a sum and not a product of matrices, which autocast would round.
    return {
        f"{name}.{key}": (weights * table).sum(1)[..., None, None]
        for name, norm in _norms(network)
        for key, table in norm.named_parameters()
    }


def style_rows(network: nn.Module) -> Tensor:
    """All scales and shifts of each of S styles, (S, K): the tables side by side."""
    return torch.cat([table for _, norm in _norms(network) for table in norm.parameters()], 1)


def split_rows(network: nn.Module, rows: Tensor) -> dict[str, Tensor]:
    """Scales and shifts (N, C, 1, 1), by the parameters they replace, of rows (N, K).

    The order is that of :func:`style_rows`.
    """
    tables = {
        f"{name}.{key}": table.shape[1]
        for name, norm in _norms(network)
        for key, table in norm.named_parameters()
    }
    parts = torch.split(rows, list(tables.values()), 1)
    return {name: part[..., None, None] for name, part in zip(tables, parts, strict=True)}


def bake_style(network: nn.Module, style_weights: Tensor) -> nn.Module:
    """The network of one style that computes what ``network``, of S styles, does with a mixture.

    ``style_weights`` (S,) are the share of each style. The result shares the convolutions, is in
    evaluation mode and has no gradients.
    """
    with torch.no_grad():
        mixed = mix_norms(network, style_weights)
    return _with_norms(network, 1, {name: value.flatten() for name, value in mixed.items()})


def with_rows(network: nn.Module, rows: Tensor) -> nn.Module:
    """``network`` with S styles, 2 or more, whose scales and shifts are ``rows`` (S, K).

    What it shares, and how it is, is as of :func:`bake_style`.
    """
    norms = {name: value.flatten(1) for name, value in split_rows(network, rows).items()}
    return _with_norms(network, len(rows), norms)


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
        self._parts = [own[name] for name in names]
        self._share()

    def _share(self) -> None:
        """Have the network's parameters lie in the vector."""
        places = torch.split(self._vector, [len(part) for part in self._parts])
        for part, place in zip(self._parts, places, strict=True):
            part.data = place

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._share()  # pickled tensors share nothing

    def mix(self, style_weights: Tensor) -> None:
        """Compute with the weights (S,) of the styles from now on."""
        torch.mv(self._table, style_weights.to(self._table), out=self._vector)


def _with_norms(network: nn.Module, styles: int, norms: dict[str, Tensor]) -> nn.Module:
    """A network of so many styles, with ``norms`` and the other weights of ``network``."""
    name, options = NETWORKS.describe(network)
    with torch.device("meta"):
        made = NETWORKS.build(name, **{**options, "styles": styles})
    made.load_state_dict(network.state_dict() | norms, assign=True)
    return made.requires_grad_(False).eval()


def _norms(network: nn.Module) -> list[tuple[str, ConditionalInstanceNorm2d]]:
    return [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, ConditionalInstanceNorm2d)
    ]
