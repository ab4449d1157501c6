"""Loss networks: each returns the layers asked for by their paper names."""

from collections.abc import Callable
from functools import partial

from faststyle.core.errors import UserError, nearest
from faststyle.encoder.base import LossNetwork
from faststyle.encoder.lite import LiteEncoder
from faststyle.encoder.vgg import ARCHITECTURES, VGGEncoder

#: Name -> what makes one, given its options. A new loss network is one file and one line here.
LOSS_NETWORKS: dict[str, Callable[..., LossNetwork]] = {
    **{arch: partial(VGGEncoder, arch) for arch in ARCHITECTURES},
    "lite": LiteEncoder,
}


def build_loss_network(name: str, **options: object) -> LossNetwork:
    """The loss network registered as ``name``.

    Raises ``UserError`` for an unknown name, and whatever else its constructor raises.
    """
    check_registered(name)
    return LOSS_NETWORKS[name](**options)


def check_registered(name: str) -> None:
    """Raise ``UserError`` if no loss network is called ``name``, naming the nearest that is."""
    if name not in LOSS_NETWORKS:
        raise UserError(f'unknown encoder "{name}": {nearest(name, LOSS_NETWORKS)}')


__all__ = [
    "LOSS_NETWORKS",
    "LiteEncoder",
    "LossNetwork",
    "VGGEncoder",
    "build_loss_network",
    "check_registered",
]
