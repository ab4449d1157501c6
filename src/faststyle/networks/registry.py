"""Networks by name, so that a file can say which one its weights are of."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import nn

from faststyle.core.errors import UserError, nearest
from faststyle.networks.super_resolution import SuperResolutionNetwork
from faststyle.networks.transform import TransformNetwork

#: The name that files know it by -> its class. A new network is a file of its own and a line here.
#: It maps photos (N, 3, H, W) in [0, 1] to the same shape, or to ``factor`` times H and W if it has
#: such an option. It keeps the arguments that it was made with, plain values, in ``options``.
NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "johnson": TransformNetwork,
    "super_resolution": SuperResolutionNetwork,
}


class NetworkDescription(NamedTuple):
    """What a network is made anew from: its name in :data:`NETWORKS`, and its arguments."""

    name: str
    options: Mapping[str, Any]


def describe_network(network: nn.Module) -> NetworkDescription:
    """What :func:`build_network` makes a network like this one from.

    Raises ``UserError`` if it is not registered, since what it learns could not be loaded again.
    """
    for name, kind in NETWORKS.items():
        if type(network) is kind:
            options: Mapping[str, Any] = network.options  # type: ignore[assignment]
            return NetworkDescription(name, options)
    raise UserError(
        f"network {type(network).__name__} is not registered, so that its styles could not be"
        " loaded again: add it to NETWORKS in faststyle/networks/registry.py"
    )


def build_network(description: NetworkDescription) -> nn.Module:
    """A network with new weights.

    Raises ``UserError`` for a name that is not registered, or for arguments that are not the
    network's.
    """
    name, options = description
    if name not in NETWORKS:
        raise UserError(f'network "{name}" is not known here: {nearest(name, NETWORKS)}')
    try:
        return NETWORKS[name](**options)
    except TypeError:
        raise UserError(f'network "{name}" does not take these options: {options}') from None
