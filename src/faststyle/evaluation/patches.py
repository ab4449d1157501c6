"""How far a picture's patches are from a painting's, scale by scale, by no network's features.

The sliced Wasserstein distance of patches on a Laplacian pyramid (Karras et al., 2018, section 5):
the fine levels tell strokes, the coarse ones forms.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

_SIDE = 7  # of a patch, pixels
_PATCHES, _DIRECTIONS = 4096, 256
#: Pixels of a level's shorter side, at least.
MIN_SIDE = 32


def patch_distances(picture: Tensor, painting: Tensor, seed: int = 0) -> list[float]:
    """Distances of patches of 7 x 7 pixels: at the full size, at half of it, and so on.

    The mean distance of quantiles along random directions (Rabin et al., 2011), after each color of
    each set of patches has been brought to mean 0 and deviation 1: it tells what a scale looks
    like, not how much of it there is. 0 is a picture made of the painting's patches.

    Both are (3, H, W), RGB in [0, 1]; the painting at the size whose strokes the picture should
    have. Raises ``ValueError`` if a side is shorter than 32 pixels.
    """
    for pixels in (picture, painting):
        if min(pixels.shape[-2:]) < MIN_SIDE:
            size = tuple(pixels.shape[-2:])
            raise ValueError(f"pictures must be {MIN_SIDE} pixels or more, not {size}")
    generator = torch.Generator().manual_seed(seed)
    levels = zip(laplacian_pyramid(picture), laplacian_pyramid(painting), strict=False)
    return [
        _distance(_patches(ours, generator), _patches(theirs, generator), generator)
        for ours, theirs in levels
    ]


def laplacian_pyramid(picture: Tensor) -> Iterator[Tensor]:
    """What each halving takes from (C, H, W), down to sides of 32 pixels (Burt and Adelson, 1983).

    A level and twice the next smaller picture, which is not yielded, add up to the picture.
    """
    while min(picture.shape[-2:]) >= MIN_SIDE:
        smaller = _blur(picture)[:, ::2, ::2]
        size = picture.shape[-2:]
        yield picture - F.interpolate(smaller[None], size, mode="bilinear", align_corners=False)[0]
        picture = smaller


def _blur(picture: Tensor) -> Tensor:
    taps = picture.new_tensor([1, 4, 6, 4, 1]) / 16
    kernel = torch.outer(taps, taps).expand(len(picture), 1, 5, 5)
    padded = F.pad(picture[None], (2, 2, 2, 2), mode="reflect")
    return F.conv2d(padded, kernel, groups=len(picture))[0]


def _patches(level: Tensor, generator: torch.Generator) -> Tensor:
    """(4096, 3 * 49), drawn with replacement, of mean 0 and deviation 1 in each color."""
    every = level.unfold(1, _SIDE, 1).unfold(2, _SIDE, 1)
    _, height, width, *_ = every.shape
    rows = torch.randint(height, (_PATCHES,), generator=generator)
    columns = torch.randint(width, (_PATCHES,), generator=generator)
    patches = every[:, rows, columns]
    deviation, mean = torch.std_mean(patches, (1, 2, 3), keepdim=True)
    tiny = 1e-3 / 255  # a picture of one color has no patches to speak of
    return ((patches - mean) / deviation.clamp_min(tiny)).transpose(0, 1).flatten(1)


def _distance(ours: Tensor, theirs: Tensor, generator: torch.Generator) -> float:
    directions = torch.randn(theirs.shape[1], _DIRECTIONS, generator=generator).to(theirs)
    directions = directions / directions.norm(dim=0)
    first, second = ((patches @ directions).sort(0).values for patches in (ours, theirs))
    return float((first - second).abs().mean())
