"""The weights that a training begins with, if these are those of a trained style."""

from collections.abc import Sequence

import torch
from torch import nn

from faststyle.core.errors import UserError
from faststyle.core.registry import Description
from faststyle.networks import NETWORKS
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.training.engine.resuming import words


def load_initial_weights(
    found: TrainedStyle, network: nn.Module, styles: Sequence[StyleMetadata], source: str
) -> None:
    """Give ``network`` the weights of what was trained.

    The scale and shift of a style are those of the same painting at the same size, else at another,
    else the mean of all styles that ``found`` has.

    Args:
        found: a network of one or several styles.
        network: of as many as ``styles``; otherwise the same.
        styles: what is known of each.
        source: what ``found`` is, for errors.

    Raises:
        UserError: they are different networks.
    """
    kinds = [NETWORKS.describe(each) for each in (found.network, network)]
    if _of_weights(kinds[0]) != _of_weights(kinds[1]):
        raise UserError(f"{source} is of network {words(kinds[0])}, not {words(kinds[1])}")
    state = dict(found.network.state_dict())
    rows = [_row(style, found.metadata.styles) for style in styles]
    for name, wanted in network.state_dict().items():
        given = state[name]
        if 2 in (given.dim(), wanted.dim()):  # a scale or shift for each of several styles
            table = given.view(-1, given.shape[-1])
            chosen = [table.mean(0) if row is None else table[row] for row in rows]
            state[name] = torch.stack(chosen).view(wanted.shape)
    network.load_state_dict(state)


def _row(style: StyleMetadata, known: Sequence[StyleMetadata]) -> int | None:
    """Which of the ``known`` styles it begins with; none for their mean."""
    same = [row for row, other in enumerate(known) if other.name == style.name]
    of_size = [row for row in same if known[row].style_size == style.style_size]
    return next(iter(of_size + same), None)


def _of_weights(network: Description) -> Description:
    """The network but for what its weights, of one style, do not depend on."""
    free = ("styles", "margin")
    options = {key: value for key, value in network.options.items() if key not in free}
    return Description(network.name, options)
