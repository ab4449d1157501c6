"""Pictures of any size for networks that want sides of certain multiples, traced or not."""

import torch
import torch.nn.functional as F
from torch import Tensor

#: Pixels along a side of a feature, where the transform network is at its coarsest: it has two
#: convolutions of stride 2. Sides of pictures are made multiples of this, as the kernels of the
#: last convolution want it, too.
STRIDE = 4


def pad_to_multiple(images: Tensor, minimum: int) -> Tensor:
    """Repeat the last row and column of (N, C, H, W): both sides become multiples of ``STRIDE``.

    A side of less than ``minimum`` becomes that long, rounded up to such a multiple.
    """
    height, width = images.shape[-2:]
    below, right = (_missing(side, minimum) for side in (height, width))
    if _is_open(below, right) or below or right:
        return F.pad(images, (0, right, 0, below), mode="replicate")
    return images


def crop(images: Tensor, height: int, width: int) -> Tensor:
    """The first ``height`` rows and ``width`` columns of (N, C, H, W)."""
    below, right = height - images.shape[-2], width - images.shape[-1]
    if _is_open(below, right) or below or right:
        # Slicing would tie an exported model to sizes of one kind: strides depend on it.
        return F.pad(images, (0, right, 0, below))
    return images


def _missing(side: int, minimum: int) -> int:
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
