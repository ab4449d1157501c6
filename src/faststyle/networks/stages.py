"""What a network says of its layers, so that nobody else has to know the network.

A network whose ``stages()`` are its layers in order can be computed in strips
(:mod:`faststyle.networks.streaming`), be given regions (:mod:`faststyle.networks.regional`), and be
asked for its features. Of one that says nothing, only whole pictures are computed.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import mul
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from faststyle.core.registry import Registry
from faststyle.networks.noise import NoiseField


class FoldableNorm(NamedTuple):
    """A normalization inside a layer, those before it in the same layer being folded already.

    ``before``: what it sees of the layer's input. ``fold``: make it, with the mean and variance
    (C,) of what it sees, a part of the convolution before it.
    """

    before: Callable[[Tensor], Tensor]
    fold: Callable[[Tensor, Tensor], None]


class Layer(Protocol):
    """What transform networks are made of: a module that maps (N, C, H, W); see :class:`Stage`."""

    @property
    def has_kernels(self) -> bool:
        """Whether there are kernels for it, so that it can be streamed too."""

    def norms(self) -> list[FoldableNorm]:
        """Its normalizations, in order."""

    def __call__(self, x: Tensor, *noise: NoiseField | int) -> Tensor: ...  # noqa: D102

    def to(self, dtype: torch.dtype) -> object: ...  # noqa: D102


class Stage(NamedTuple):
    """A layer in its network.

    ``scale``: rows of output for each row of input, a power of 2. ``halo``: rows of the input, on
    each side, that a row of the output depends on besides its own. ``crop``: rows of the input that
    are lost on each side. ``noisy``: whether the layer asks which noise there is, and which row of
    it its first one is.
    """

    layer: Layer
    scale: float
    halo: int
    crop: int = 0
    noisy: bool = False

    def apply(self, x: Tensor, noise: NoiseField, first_row: int = 0) -> Tensor:
        """The layer on (N, C, H, W), a strip of rows that begins with ``first_row`` of all."""
        return self.layer(x, noise, first_row) if self.noisy else self.layer(x)


class StagedNetwork(Protocol):
    """A network that says what it is made of.

    One that makes pictures larger for its first layer does so in ``pad(images)``; one that reflects
    them on each side first says by how many pixels in ``margin``.
    """

    def stages(self) -> Sequence[Stage]:
        """Its layers, in order."""

    def activate(self, y: Tensor) -> Tensor:
        """What follows the last layer, pixel by pixel."""


def stages_of(network: nn.Module) -> Sequence[Stage]:
    """The layers of a network, in order; none of one that does not say."""
    found: Sequence[Stage] = getattr(network, "stages", tuple)()
    return found


def margin_of(network: object) -> int:
    """By how many pixels a network reflects a picture on each side; 0 of one that does not say."""
    return int(getattr(network, "margin", 0))


def strides(stages: Sequence[Stage]) -> list[float]:
    """After each stage, how many pixels of the picture there are along a side of a feature."""
    return list(accumulate((1 / stage.scale for stage in stages), mul))


def coarsest_features(stages: Sequence[Stage]) -> tuple[Layer, int] | None:
    """The first layer that enlarges, and the stride of the features that it is given.

    None if no layer does.
    """
    for stage, stride in zip(stages, strides(stages), strict=True):
        if stage.scale > 1:
            return stage.layer, round(stride * stage.scale)
    return None


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
