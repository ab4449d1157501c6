"""What a network paints where the photo shows nothing: skies, walls, water.

There every layer before up-sampling is constant, so that a network can only repeat a pattern with
the period of its strides, or amplify the photo's noise: hatching. A painter fills such a surface
with strokes of many directions.

All take RGB in [0, 1], (N, 3, H, W), and look at brightness (ITU-R BT.601).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.evaluation.artifacts import peaks_over_neighbors
from faststyle.pictures.pixels import to_luma

_WINDOW = 64  # pixels; half overlap
#: Mean change of brightness from a pixel to the next below which a photo's window is flat: a clear
#: sky with a camera's noise has less.
_FLAT = 3 / 255


def flat_windows(photos: Tensor) -> Tensor:
    """Which windows of 64 pixels, half overlapping, hold nothing: (N, rows, columns) of bool.

    Raises ``ValueError`` for photos smaller than 64 x 64.
    """
    if min(photos.shape[-2:]) < _WINDOW:
        raise ValueError(f"photos must be {_WINDOW} pixels or more, not {tuple(photos.shape[-2:])}")
    right, down = _gradient(to_luma(photos))
    return _means((right.square() + down.square()).sqrt()) < _FLAT


def grid(stylized: Tensor, photos: Tensor) -> Tensor:
    """Power at the strides' frequencies over that of their neighbors in flat windows, (N,) in dB.

    As :func:`faststyle.evaluation.artifacts.checkerboard`; NaN for a photo without such windows.
    """
    return peaks_over_neighbors(to_luma(stylized)[:, 0], flat_windows(photos))


def one_direction(stylized: Tensor, photos: Tensor) -> Tensor:
    """How much of what is painted in flat windows runs in one direction, (N,) from 0 to 1.

    The coherence (l1 - l2) / (l1 + l2) of the structure tensor's eigenvalues (Bigun and Granlund,
    1987), summed over all flat windows of a picture: 1 is hatching, 0 strokes of all directions, or
    of none. NaN for a photo without such windows.
    """
    right, down = _gradient(to_luma(stylized))
    where = flat_windows(photos)
    xx, xy, yy = (
        _means(product).masked_fill(~where, 0).sum((1, 2)).double()
        for product in (right * right, right * down, down * down)
    )
    difference = ((xx - yy).square() + 4 * xy.square()).sqrt()
    coherence = difference / (xx + yy).clamp_min(torch.finfo(torch.float64).tiny)
    return coherence.masked_fill(~where.any(2).any(1), torch.nan).to(stylized.dtype)


def _gradient(luma: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences to the right and down, (N, 1, H, W) each, by Scharr's kernel."""
    smooth, step = luma.new_tensor([3, 10, 3]) / 16, luma.new_tensor([-1, 0, 1]) / 2
    padded = F.pad(luma, (1, 1, 1, 1), mode="reflect")
    kernels = torch.stack((torch.outer(smooth, step), torch.outer(step, smooth)))[:, None]
    both = F.conv2d(padded, kernels)
    return both[:, :1], both[:, 1:]


def _means(values: Tensor) -> Tensor:
    return F.avg_pool2d(values, _WINDOW, stride=_WINDOW // 2)[:, 0]
