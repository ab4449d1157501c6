"""What one sees at a glance: strong colors, things in their place, no frame."""

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.images.pixels import to_luma

#: Pixels of a side of the squares that a layout is compared by.
CELL = 16
#: Pixels along each border that would be a frame.
RING = 16


def contrast(pictures: Tensor) -> Tensor:
    """Standard deviation of the luma, (N,), of pictures (N, 3, H, W) in [0, 1]."""
    return to_luma(pictures).flatten(1).std(1, correction=0)


def saturation(pictures: Tensor) -> Tensor:
    """Mean of the largest less the smallest channel of a pixel, (N,), of (N, 3, H, W) in [0, 1]."""
    return (pictures.amax(1) - pictures.amin(1)).mean((1, 2))


def layout(pictures: Tensor, photos: Tensor) -> Tensor:
    """Correlation of the lumas of pictures and photos, (N,), both averaged over squares.

    1 is a picture that is bright where its photo is; 0 one that has nothing to do with it, or in
    which either has one brightness everywhere.

    Args:
        pictures: (N, 3, H, W), sides of 32 pixels or more.
        photos: the same shape.
    """
    cells = (F.avg_pool2d(to_luma(each), CELL).flatten(1) for each in (pictures, photos))
    ours, theirs = (each - each.mean(1, keepdim=True) for each in cells)
    return F.cosine_similarity(ours, theirs)


def frame(pictures: Tensor, photos: Tensor) -> Tensor:
    """How far a ring along the borders stands out, in gray levels of 255, (N,).

    The color of the ring less that of what lies within, less the same of the photo; its root mean
    square over the channels and the four sides, so that a bar along one side counts, too.

    Args:
        pictures: (N, 3, H, W), sides of 48 pixels or more.
        photos: the same shape.
    """
    excess = _steps_at_borders(pictures) - _steps_at_borders(photos)
    return 255 * excess.square().mean((1, 2)).sqrt()


def _steps_at_borders(pictures: Tensor) -> Tensor:
    """The mean color of each side's ring less that of the ring beside it, (N, 4, 3)."""
    sides = []
    for turned in (pictures, pictures.flip(2), pictures.mT, pictures.mT.flip(2)):
        outer, inner = (turned[:, :, start : start + RING] for start in (0, RING))
        sides.append(outer.mean((2, 3)) - inner.mean((2, 3)))
    return torch.stack(sides, 1)
