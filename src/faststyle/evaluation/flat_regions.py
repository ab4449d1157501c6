"""What a network paints where the photo shows nothing: skies, walls, water.

There every layer before up-sampling is constant, so that a network can only repeat a pattern with
the period of its strides, or amplify the photo's noise: hatching. A painter fills such a surface
with strokes of many directions and sizes.

All take RGB in [0, 1], (N, 3, H, W), look at the brightness (ITU-R BT.601) of the windows that are
flat in the photo, and give NaN for a photo without such windows.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.evaluation.artifacts import WINDOW, check_size, peaks_over_neighbors, spectrum
from faststyle.images.pixels import to_luma

#: Mean change of brightness from a pixel to the next below which a photo's window is flat: a clear
#: sky with a camera's noise has less.
_FLAT = 3 / 255
#: Cycles in a window that are looked at, periods of 16 to 2 pixels.
_LOWEST, _HIGHEST = 4, 32
_DIRECTIONS = 12


def flat_windows(photos: Tensor) -> Tensor:
    """Which windows of 64 pixels, half overlapping, hold nothing: (N, rows, columns) of bool.

    Raises ``ValueError`` for photos smaller than 64 x 64.
    """
    check_size(photos)
    luma = to_luma(photos)
    right, down = luma.diff(dim=3)[..., 1:, :], luma.diff(dim=2)[..., 1:]
    change = F.pad((right.square() + down.square()).sqrt(), (1, 0, 1, 0), mode="replicate")
    return F.avg_pool2d(change, WINDOW, stride=WINDOW // 2)[:, 0] < _FLAT


def grid(stylized: Tensor, photos: Tensor) -> Tensor:
    """Power at the strides' frequencies over that of their neighbors, (N,) in dB.

    See :func:`faststyle.evaluation.artifacts.checkerboard`.
    """
    return peaks_over_neighbors(spectrum(stylized, flat_windows(photos)))


def one_direction(stylized: Tensor, photos: Tensor) -> Tensor:
    """The share of the energy that the strongest of twelve directions has, (N,) from 1/12 to 1.

    Of frequencies with periods from 2 to 16 pixels; 1 is hatching.
    """
    power = spectrum(stylized, flat_windows(photos))
    radius, angle = _polar(power)
    sector = (angle / math.pi * _DIRECTIONS).round() % _DIRECTIONS
    band = (radius >= _LOWEST) & (radius <= _HIGHEST)
    energies = [power[:, band & (sector == k)].sum(1) for k in range(_DIRECTIONS)]
    each = torch.stack(energies, 1)
    return each.amax(1) / each.sum(1)


def spread(stylized: Tensor, photos: Tensor) -> Tensor:
    """How many frequencies take part, (N,) as a share of all: near 1 in noise, near 0 in a pattern.

    The participation ratio (sum p)^2 / (n sum p^2) of the power p at n frequencies of one length,
    the mean over lengths weighted by their power, for periods from 2 to 16 pixels. Whether detail
    repeats counts, and not how much of it is fine and how much coarse.
    """
    power = spectrum(stylized, flat_windows(photos))
    radius, _ = _polar(power)
    rings = [power[:, radius.round() == r] for r in range(_LOWEST, _HIGHEST + 1)]
    energies = torch.stack([ring.sum(1) for ring in rings], 1)
    ratios = [r.sum(1).square() / (r.shape[1] * r.square().sum(1)) for r in rings]
    return (energies * torch.stack(ratios, 1)).sum(1) / energies.sum(1)


def _polar(power: Tensor) -> tuple[Tensor, Tensor]:
    """Cycles in a window and directions, from 0 to pi, of all frequencies: (64, 64) each."""
    cycles = torch.fft.fftfreq(WINDOW, 1 / WINDOW, dtype=power.dtype, device=power.device)
    down, right = torch.meshgrid(cycles, cycles, indexing="ij")
    return torch.hypot(down, right), torch.atan2(down, right) % math.pi
