"""What a network's strides leave in a picture: a pattern that repeats every four pixels."""

import torch.nn.functional as F
from torch import Tensor

from faststyle.core.precision import widen
from faststyle.networks import STRIDE

_WINDOW = 16  # repetitions; in fewer, strokes that do not repeat count more


def grid_energy(images: Tensor) -> Tensor:
    """The energy of (N, 3, H, W) in [0, 1] that repeats every four pixels, averaged: (N,).

    The variance, over the 4 x 4 places in a stride, of the mean of all pixels at that place in a
    window of 64 pixels. By Parseval's theorem that is the power at the frequencies of checkerboards
    (Odena et al., 2016), multiples of a quarter of the sampling rate. Strokes that do not repeat
    leave 1/256 of their energy, a step from black to white across a window some thousandths.
    """
    height, width = (side // STRIDE * STRIDE for side in images.shape[-2:])
    if not height * width:
        return images.new_zeros(len(images))
    places = F.pixel_unshuffle(widen(images)[..., :height, :width], STRIDE)
    window = tuple(min(_WINDOW, side // STRIDE) for side in (height, width))
    means = F.avg_pool2d(places, window, stride=_WINDOW // 2)
    each = means.reshape(len(images), 3, STRIDE**2, *means.shape[2:])
    return each.var(2, correction=0).mean((1, 2, 3))
