"""From what a network made of a photo to the result: whose colors it has, and how much style.

Gatys et al. (2017, Controlling Perceptual Factors in Neural Style Transfer, section 5) keep the
photo's colors by taking only brightness from the style (``photo``), or by moving one picture's
colors so that their distribution is the other's. Here the stylized picture is moved, so that no
style need be trained anew: ``mean`` gives it the mean and covariance of the photo's colors, and
``hist`` the distribution of each coordinate. Both work in Oklab (Ottosson, 2020), whose
coordinates are brightness, green to red, and blue to yellow, as the eye tells them apart.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from faststyle.images.pixels import in_parts, quantize, to_luma, to_unit

#: Stylized rows and those of the photo, (1, 3, H, W) in [0, 1], to rows in other colors.
Recolor = Callable[[Tensor, Tensor], Tensor]

_TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_BINS = 1 << 14
#: Oklab's coordinates of colors that a screen shows lie between these.
_LOW, _HIGH = -0.5, 1.0
#: Added to each variance, so that pictures of one color have an inverse of theirs.
_VARIANCE = 1e-6


def blend(
    stylized: Tensor, photo: Tensor, color: str, strength: float, weights: Tensor | None = None
) -> Tensor:
    """A stylized picture with colors by one of :data:`faststyle.stylize.options.COLORS`.

    ``strength`` is its part, of which the photo has the rest: 0 to 1, or more, away from the photo.

    Both pictures are (3, H, W), uint8 or float in [0, 1], which ``stylized`` may leave a little.
    ``weights`` say how much pixels count in the statistics of colors, uint8 (H, W), not all 0; none
    if all count alike. The result has the type and the device of ``photo``.
    """
    stylized = stylized.to(photo.device)
    if stylized.is_floating_point():
        stylized = stylized.to(photo if photo.is_floating_point() else torch.float32).clamp_(0, 1)
    recolor = recolor_of(color, stylized, photo, weights)
    result = torch.empty_like(photo)
    for part in in_parts(photo):
        before = to_unit(photo[None, :, part])
        after = recolor(to_unit(stylized[None, :, part]), before)
        if strength != 1:
            after = torch.lerp(before, after, strength).clamp_(0, 1)
        result[:, part] = (after if photo.is_floating_point() else quantize(after))[0]
    return result


def recolor_of(color: str, stylized: Tensor, photo: Tensor, weights: Tensor | None) -> Recolor:
    """What gives ``stylized`` its colors, by one of :data:`faststyle.stylize.options.COLORS`.

    Both pictures are (3, H, W), uint8 or float in [0, 1]; ``weights`` are those of :func:`blend`.
    """
    if color == "painting":
        return lambda stylized, _photo: stylized
    if color == "photo":
        return _shift_along_gray
    find_move = _by_mean if color == "mean" else _by_histogram
    move = find_move(_in_parts(stylized, weights), _in_parts(photo, weights))
    return lambda stylized, _photo: _to_rgb(move(_to_oklab(stylized))).T.reshape(stylized.shape)


def needs_all(color: str) -> bool:
    """Whether all of a picture must be known before one pixel of it has its colors."""
    return color in ("mean", "hist")


#: Pixels in Oklab (P, 3), and their weights (P,), on the CPU, since some GPUs lack float64.
_Part = tuple[Tensor, Tensor]
#: Pixels in Oklab (P, 3) to others.
_Move = Callable[[Tensor], Tensor]


def _shift_along_gray(stylized: Tensor, photo: Tensor) -> Tensor:
    """Each pixel of the photo, as bright as the stylized one."""
    return (photo + to_luma(stylized - photo)).clamp_(0, 1)


def _by_mean(stylized: Iterable[_Part], photo: Iterable[_Part]) -> _Move:
    """Gatys et al., equation 9; of the matrices that do it, the one that moves colors least.

    That is the Monge-Kantorovitch map (Pitie and Kokaram, 2007).
    """
    mean, covariance = _moments(stylized)
    target_mean, target = _moments(photo)
    root, inverse = _power(covariance, 0.5), _power(covariance, -0.5)
    matrix = inverse @ _power(root @ target @ root, 0.5) @ inverse

    def move(lab: Tensor) -> Tensor:
        return (lab - mean.to(lab)) @ matrix.T.to(lab) + target_mean.to(lab)

    return move


def _by_histogram(stylized: Iterable[_Part], photo: Iterable[_Part]) -> _Move:
    """Each coordinate by its rank: what is brighter than 30 % of all stays so."""
    edges = np.linspace(_LOW, _HIGH, _BINS + 1)
    ranks, goals = _cumulated(stylized), _cumulated(photo)
    # The colors of a bin have the rank of its middle, so that a flat picture has that of one half.
    middles = (ranks[:, 1:] + ranks[:, :-1]) / 2
    maps = [np.interp(*pair, edges) for pair in zip(middles, goals, strict=True)]

    def move(lab: Tensor) -> Tensor:
        pairs = zip(_bins(lab).unbind(1), maps, strict=True)
        return torch.stack([torch.from_numpy(values).to(lab)[bins] for bins, values in pairs], 1)

    return move


def _in_parts(picture: Tensor, weights: Tensor | None) -> Iterator[_Part]:
    for part in in_parts(picture):
        lab = _to_oklab(to_unit(picture[None, :, part])).cpu()
        yield lab, torch.ones(len(lab)) if weights is None else to_unit(weights[part]).flatten()


def _moments(parts: Iterable[_Part]) -> tuple[Tensor, Tensor]:
    """Mean (3,) and covariance (3, 3), in float64."""
    total = torch.zeros((), dtype=torch.float64)
    first, second = torch.zeros(3).double(), torch.zeros(3, 3).double()
    for lab, weights in parts:
        weighted = weights.double()[:, None] * lab.double()
        total += weights.double().sum()
        first += weighted.sum(0)
        second += lab.double().T @ weighted
    mean = first / total
    covariance = second / total - torch.outer(mean, mean)
    return mean, covariance + _VARIANCE * torch.eye(3).double()


def _power(covariance: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    powers = torch.pow(values.clamp(min=1e-15), exponent)
    return torch.matmul(vectors * powers, vectors.T)


def _cumulated(parts: Iterable[_Part]) -> np.ndarray:
    """The part of all pixels below each edge of the bins, for each coordinate: (3, edges)."""
    counts = torch.zeros(3, _BINS, dtype=torch.float64)
    for lab, weights in parts:
        for coordinate, column in enumerate(_bins(lab).unbind(1)):
            counts[coordinate] += torch.bincount(column, weights.double(), _BINS)
    # Ranks rise everywhere by a trifle, so that each has one value.
    counts += counts.sum(1, keepdim=True) * 1e-9
    ranks = (counts / counts.sum(1, keepdim=True)).cumsum(1)
    return torch.nn.functional.pad(ranks, (1, 0)).numpy()


def _bins(lab: Tensor) -> Tensor:
    return ((lab - _LOW) / (_HIGH - _LOW) * _BINS).long().clamp_(0, _BINS - 1)


def _to_oklab(pixels: Tensor) -> Tensor:
    """SRGB (1, 3, H, W) as Oklab (H * W, 3)."""
    srgb = pixels[0].flatten(1).T
    linear = torch.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
    lms = linear @ linear.new_tensor(_TO_LMS).T
    return torch.matmul(lms.clamp(min=0) ** (1 / 3), linear.new_tensor(_TO_LAB).T)


def _to_rgb(lab: Tensor) -> Tensor:
    """Oklab (P, 3) as sRGB, clamped."""
    to_lms, to_linear = (
        torch.linalg.inv(torch.tensor(matrix, dtype=torch.float64)).T.to(lab)
        for matrix in (_TO_LAB, _TO_LMS)
    )
    linear = ((lab @ to_lms) ** 3 @ to_linear).clamp_(0, 1)
    return torch.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
