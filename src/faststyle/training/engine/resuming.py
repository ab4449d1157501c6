"""Whether a training can go on from a checkpoint."""

from pathlib import Path

from torch import nn

from faststyle.core.errors import UserError
from faststyle.core.registry import Description
from faststyle.core.torch_files import read_torch
from faststyle.networks import NETWORKS
from faststyle.styles import TrainedStyle, load_style


def check_resumable(path: Path, network: nn.Module) -> TrainedStyle:
    """What ``path`` holds.

    Raises ``UserError`` if that is no checkpoint of training, or of another network.
    """
    found = load_style(path)
    kind, wanted = NETWORKS.describe(found.network), NETWORKS.describe(network)
    if kind != wanted:
        raise UserError(f"{path} was trained with network {words(kind)}, not {words(wanted)}")
    if path.suffix == ".safetensors" or "optimizer_states" not in read_torch(path):
        raise UserError(
            f"{path} is an exported file; resume needs a checkpoint of training (.ckpt)"
        )
    return found


def words(network: Description) -> str:
    """For an error."""
    return f"{network.name} {dict(network.options)}"
