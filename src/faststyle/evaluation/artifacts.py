"""What goes wrong in stylized pictures, as numbers: checkerboards, borders, flicker, hatching.

All take RGB in [0, 1], (N, 3, H, W), and look at brightness (ITU-R BT.601). :func:`bright_dots` and
:func:`stripes` count what the photo itself holds too: report the difference.

Those that take stylized pictures and photos look at windows that are flat in the photo (skies,
walls, water), and give NaN for a photo without such. There every layer before up-sampling is
constant, so that a network can only repeat a pattern with the period of its strides, or amplify the
photo's noise: hatching. A painter fills such a surface with strokes of many directions and sizes.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.images.pixels import to_luma
from faststyle.networks import STRIDE

Stylize = Callable[[Tensor], Tensor]

_BAND, _MARGIN = 16, 64  # pixels
#: Pictures no larger have nothing left far from a cut.
MIN_SIDE_FOR_BORDERS = 2 * _MARGIN + 8 * _BAND

_FAR = 32  # pixels from an edge
#: Pictures no larger have nothing left far from an edge when they have moved by a pixel.
MIN_SIDE_FOR_FLICKER = 2 * _FAR + 2

#: Side of the windows, half overlapping, over which spectra are means, in pixels.
WINDOW = 64

#: Mean change of brightness from a pixel to the next below which a photo's window is flat: a clear
#: sky with a camera's noise has less.
_FLAT = 3 / 255
#: Cycles in a window that are looked at, periods of 16 to 2 pixels.
_LOWEST, _HIGHEST = 4, 32
_DIRECTIONS = 12

#: Far less power than rounding to 8 bits brings, so that a picture of one color has no peak.
_NOTHING = 1e-9


def checkerboard(pictures: Tensor) -> Tensor:
    """Power at the frequencies of the network's strides over that of their neighbors, (N,) in dB.

    Up-sampling by 2 and 4 leaves patterns with periods of 2 and 4 pixels (Odena et al., 2016),
    which are peaks of the spectrum at multiples of a quarter of the sampling rate. Spectra are
    means of periodograms (Hann window, half overlap; Welch, 1967); neighbors are 3 to 5 bins away,
    where the window does not leak. 0 dB is no peak at all.

    Raises ``ValueError`` for pictures smaller than 64 x 64.
    """
    return peaks_over_neighbors(spectrum(pictures))


def peaks_over_neighbors(power: Tensor) -> Tensor:
    """What :func:`checkerboard` gives, of a :func:`spectrum`."""
    step = WINDOW // STRIDE
    peaks = torch.zeros(WINDOW, WINDOW, dtype=torch.bool)
    peaks[::step, ::step] = True
    peaks[0, 0] = False  # the mean of the window
    ratios = []
    for y, x in peaks.nonzero().tolist():
        near = torch.roll(power, (5 - y, 5 - x), (1, 2))[:, :11, :11]
        ring = torch.ones(11, 11, dtype=torch.bool)
        ring[3:8, 3:8] = False
        ratios.append((near[:, 5, 5] + _NOTHING) / (near[:, ring].mean(1) + _NOTHING))
    return 10 * torch.stack(ratios).mean(0).log10()


def spectrum(pictures: Tensor, where: Tensor | None = None) -> Tensor:
    """Mean power (N, 64, 64) of the brightness of windows of 64 pixels, half overlapping.

    ``where``, (N, rows, columns) of bool, says which windows count, else all do; it is NaN for a
    picture of which none does. Raises ``ValueError`` if a side is shorter than 64 pixels.
    """
    check_size(pictures)
    luma = to_luma(pictures)[:, 0]
    windows = luma.unfold(1, WINDOW, WINDOW // 2).unfold(2, WINDOW, WINDOW // 2)
    hann = torch.hann_window(WINDOW, dtype=luma.dtype, device=luma.device)
    windows = windows - windows.mean((-2, -1), keepdim=True)
    power: Tensor = torch.fft.fft2(windows * torch.outer(hann, hann)).abs().square()
    if where is None:
        return power.mean((1, 2))
    return (power * where[..., None, None]).sum((1, 2)) / where.sum((1, 2))[:, None, None]


def check_size(pictures: Tensor) -> None:
    """Raise ``ValueError`` for pictures (..., H, W) that no window fits in."""
    height, width = pictures.shape[-2:]
    if min(height, width) < WINDOW:
        raise ValueError(f"pictures must be {WINDOW} pixels or more, not {height, width}")


def border_error(
    stylize: Stylize, photos: Tensor, band: int = _BAND, margin: int = _MARGIN
) -> Tensor:
    """How much more a cut changes pixels beside it than pixels far from it, (N,), a ratio.

    A photo is stylized as a whole, and cut by ``margin`` pixels on every side. The two differ
    everywhere, since statistics of normalization do; the ratio is of the mean absolute difference
    within ``band`` pixels of the cut to that beyond four bands, which counts as half a gray level
    if it is less. 1 is a border that cannot be seen.
    """
    inner = (..., slice(margin, -margin), slice(margin, -margin))
    difference = (stylize(photos)[inner] - stylize(photos[inner])).abs().mean(1)
    near = torch.ones_like(difference[0], dtype=torch.bool)
    near[band:-band, band:-band] = False
    far = torch.zeros_like(near)
    far[4 * band : -4 * band, 4 * band : -4 * band] = True
    return difference[:, near].mean(1) / difference[:, far].mean(1).clamp_min(0.5 / 255)


def flicker(stylize: Stylize, photos: Tensor) -> Tensor:
    """Mean absolute change of a stylized pixel when the photo moves by one pixel, (N,) of 255.

    The mean over a step to the right, down, and both. What lies within 32 pixels of an edge is left
    out. A network that moved with its photo would have 0.
    """
    height, width = photos.shape[-2:]
    differences = []
    for down, right in ((0, 1), (1, 0), (1, 1)):
        first = stylize(photos[..., : height - down, : width - right])
        second = stylize(photos[..., down:, right:])
        moved = first[..., down:, right:] - second[..., : height - 2 * down, : width - 2 * right]
        differences.append(moved[..., _FAR:-_FAR, _FAR:-_FAR].abs().mean((1, 2, 3)))
    return 255 * torch.stack(differences).mean(0)


def bright_dots(pictures: Tensor, contrast: float = 0.25) -> Tensor:
    """Isolated bright dots, (N,) per million pixels.

    A dot is the brightest of its 7 x 7 pixels, by ``contrast`` above their median, while none on
    the rim of that square is half as much above it.
    """
    luma = to_luma(pictures)
    around = F.unfold(F.pad(luma, (3, 3, 3, 3), mode="reflect"), 7)
    median = around.median(1).values
    rim = torch.ones(7, 7, dtype=torch.bool)
    rim[1:6, 1:6] = False
    rim_above = around[:, rim.flatten()].amax(1) - median
    center = luma.flatten(1)
    brightest = (center == around.amax(1)) & (center - median > contrast)
    is_dot = brightest & (rim_above < contrast / 2)
    return 1e6 * is_dot.float().mean(1)


def stripes(pictures: Tensor, contrast: float = 0.08, length: int = 48) -> Tensor:
    """Straight level or upright lines, (N,) per million pixels.

    Counted are runs of ``length`` pixels in a row or column that are, in the mean, brighter or
    darker by ``contrast`` than two pixels to both of their sides.
    """
    luma = to_luma(pictures)
    return _level_lines(luma, contrast, length) + _level_lines(luma.mT, contrast, length)


def _level_lines(luma: Tensor, contrast: float, length: int) -> Tensor:
    here = luma[..., 2:-2, :]
    sides = torch.cat([here - luma[..., :-4, :], here - luma[..., 4:, :]], dim=1)
    runs = F.avg_pool2d(sides, (1, length), stride=(1, length))
    lines = (runs > contrast).all(1) | (runs < -contrast).all(1)
    return lines.flatten(1).sum(1) * 1e6 / luma[0].numel()


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

    See :func:`checkerboard`.
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
