"""What a training begins with, or goes on from: weights of a trained style, or a checkpoint."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from faststyle.core.errors import UserError
from faststyle.core.registry import Description
from faststyle.core.torch_files import read_torch
from faststyle.encoder import LiteEncoder
from faststyle.networks import NETWORKS
from faststyle.networks.any_painting import AnyPaintingNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, load_style
from faststyle.styles.metadata import IDENTITY


def check_resumable(path: Path, network: nn.Module) -> TrainedStyle:
    """What ``path`` holds.

    Raises ``UserError`` if that is no checkpoint of training, or of another network.
    """
    found = load_style(path)
    kind, wanted = NETWORKS.describe(found.network), NETWORKS.describe(network)
    if kind != wanted:
        raise UserError(f"{path} was trained with network {_format(kind)}, not {_format(wanted)}")
    if path.suffix == ".safetensors" or "optimizer_states" not in read_torch(path):
        raise UserError(
            f"{path} is an exported file; resume needs a checkpoint of training (.ckpt)"
        )
    return found


def load_initial_weights(
    found: TrainedStyle, network: nn.Module, styles: Sequence[StyleMetadata], source: str
) -> None:
    """Give ``network`` the weights of what was trained.

    It is the same, but for its margin, and how many ``styles`` it has: the scale and shift of one
    are those of the same painting at the same size, else at another, else the mean of all paintings
    of ``found``.

    Raises ``UserError``, which calls ``found`` by its ``source``, for different networks.
    """
    _check_alike(found.network, network, source)
    state = dict(found.network.state_dict())
    known = found.metadata.styles
    paintings = [row for row, style in enumerate(known) if style.name != IDENTITY] or [0]
    rows = [_rows(style, known) or paintings for style in styles]
    for name, value in network.state_dict().items():
        given = state[name]
        if 2 in (given.dim(), value.dim()):  # a scale or shift for each of several styles
            table = given.view(-1, given.shape[-1])
            chosen = [table[chosen].mean(0) for chosen in rows]
            state[name] = torch.stack(chosen).view(value.shape)
    network.load_state_dict(state)


def begin_any_painting(
    network: AnyPaintingNetwork, begin: TrainedStyle | None, source: str = ""
) -> None:
    """Give ``network`` the weights of another one, or of several styles whose mean is its first.

    Its predictor then looks at paintings with the ``lite`` encoder that ships. Raises ``UserError``
    if ``begin``, called by its ``source``, is of another network.
    """
    if begin is not None and isinstance(begin.network, AnyPaintingNetwork):
        _check_alike(begin.network, network, source)
        network.load_state_dict(begin.network.state_dict())
        return
    encoder, lite = network.predictor.encoder, LiteEncoder(frozen=False).state_dict()
    encoder.load_state_dict({name: lite[name] for name in encoder.state_dict()})
    if begin is not None:
        rows = StyleMetadata("any"), StyleMetadata(IDENTITY)
        load_initial_weights(begin, network.transform, rows, source)


def _check_alike(found: nn.Module, network: nn.Module, source: str) -> None:
    kind, wanted = NETWORKS.describe(found), NETWORKS.describe(network)
    if (kind.name, _shared(kind)) != (wanted.name, _shared(wanted)):
        raise UserError(f"{source} is of network {_format(kind)}, not {_format(wanted)}")


def _rows(style: StyleMetadata, known: Sequence[StyleMetadata]) -> list[int]:
    """Which of the ``known`` styles it begins with; none if its painting is not among them."""
    same = [row for row, other in enumerate(known) if other.name == style.name]
    of_size = [row for row in same if known[row].style_size == style.style_size]
    return (of_size + same)[:1]


def _shared(network: Description) -> dict[str, object]:
    """Its options, but for what its weights, of one style, do not depend on."""
    return {key: network.options[key] for key in network.options if key not in ("styles", "margin")}


def _format(network: Description) -> str:
    return f"{network.name} {dict(network.options)}"
