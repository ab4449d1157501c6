"""Networks by name, so that a file can say which one its weights are of."""

from typing import Protocol, runtime_checkable

from torch import nn

from faststyle.core.registry import Registry

#: A network maps photos (N, 3, H, W) in [0, 1] to the same shape, or as :class:`UpscalingNetwork`.
#: It may say what its layers are (:class:`faststyle.networks.stages.StagedNetwork`), and how much
#: memory it takes to stylize in float32: ``bytes_per_pixel`` of the result.
NETWORKS = Registry[nn.Module]("network")


@runtime_checkable
class UpscalingNetwork(Protocol):
    """A network that maps (N, 3, H, W) to ``factor`` times H and W; that is an option of it.

    ``halo``: rows and columns, on each side, that a pixel depends on besides its own. It is
    computed in squares, which overlap by as much.
    """

    factor: int
    halo: int
    bytes_per_pixel: int
