"""What a network says of its layers, and which sizes it wants, so that nobody else has to know it.

A network whose ``stages()`` are its layers in order can be computed in strips
(:mod:`faststyle.networks.streaming`), be given regions (:mod:`faststyle.networks.regional`), and be
asked for its features. Of one that says nothing, only whole pictures are computed.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import mul
from typing import NamedTuple, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.registry import Registry

#: Pixels along a side of a feature, where the transform network is at its coarsest: it has two
#: convolutions of stride 2. Sides of pictures are made multiples of this, as the kernels of the
#: last convolution want it, too.
STRIDE = 4


class NoiseField(NamedTuple):
    """Which noise a network gets in one call, and where in it the pictures begin.

    ``seed`` is a whole number, (), on the device of the pictures; none is 0. ``row`` and ``column``
    are in pixels of the picture, multiples of 4, since noise is added where a network has a quarter
    of the pixels.
    """

    seed: Tensor | None = None
    row: int = 0
    column: int = 0


DEFAULT_FIELD = NoiseField()


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


def pad_to_multiple(images: Tensor, minimum: int) -> Tensor:
    """Repeat the last row and column of (N, C, H, W): both sides become multiples of ``STRIDE``.

    A side of less than ``minimum`` becomes that long, rounded up to such a multiple.
    """
    height, width = images.shape[-2:]
    below, right = (_missing(side, minimum) for side in (height, width))
    if _is_open(below, right) or below or right:
        return F.pad(images, (0, right, 0, below), mode="replicate")
    return images


def crop(images: Tensor, height: int, width: int, top: int = 0, left: int = 0) -> Tensor:
    """``height`` rows of (N, C, H, W) from ``top`` on, and ``width`` columns from ``left`` on."""
    if _is_known(images.shape[-2] == height) and _is_known(images.shape[-1] == width):
        return images
    return images[..., top : top + height, left : left + width]


def smallest_side(network: object) -> int:
    """Of a picture that a network computes without making it larger first."""
    return STRIDE * max(2, int(getattr(network, "reflection", 0)) // STRIDE + 1)


def _missing(side: int, minimum: int) -> int:
    if _is_known(side >= minimum) and _is_known(side % STRIDE == 0):
        return 0
    least = side if _is_known(side >= minimum) else max(side, minimum)
    # By a quotient and not a remainder: of the sizes of all layers SymPy then knows without long
    # thought that they are multiples of it, which makes an export half again as fast.
    return STRIDE * ((least + STRIDE - 1) // STRIDE) - side


def _is_open(*pixels: int) -> bool:
    """Whether numbers of pixels stand for any, as in the trace of a model for any size.

    It must not depend on whether the size that it is traced with needs nothing.
    """
    return torch.compiler.is_exporting() and not all(_is_known(n == 0) for n in pixels)


def _is_known(condition: bool) -> bool:
    """Whether it is true of every size that a model is traced for."""
    if not torch.compiler.is_exporting():
        return condition
    # Imported late: it brings SymPy.
    from torch.fx.experimental.symbolic_shapes import statically_known_true

    return statically_known_true(condition)
