"""What one sees at a glance: strong colors, things in their place and shape, no frame."""

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.encoder import LossNetwork
from faststyle.images.pixels import to_luma
from faststyle.losses.sampling import vectors

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


#: The layer of Chung et al.
LAYER = "relu3_1"
#: Sides of larger pictures make matrices of more than a gigabyte.
MAX_SIDE = 512


def cfsd(pictures: Tensor, photos: Tensor, encoder: LossNetwork) -> Tensor:
    """Content feature structural distance (Chung et al., 2024, StyleID), (N,); 0 is the photo's.

    D = sum over places i of KL(softmax_j(P_i P_j / C^2) || softmax_j(F_i F_j / C^2))

    P are the photo's features, and F the picture's. It depends on how large the activations of the
    loss network are, so compare figures of one network (``unit_activations``) and one size.

    Args:
        pictures: (N, 3, H, W) in [0, 1].
        photos: the same shape.
        encoder: a loss network with the layer relu3_1.

    Raises:
        UserError: the network has no such layer.
    """
    ours, theirs = (_similarities(encoder(each, [LAYER])[LAYER]) for each in (pictures, photos))
    return F.kl_div(ours, theirs, reduction="none", log_target=True).sum((1, 2))


def _similarities(features: Tensor) -> Tensor:
    """Log-softmax of products of features (N, C, H, W), (N, H * W, H * W)."""
    scaled = vectors(features) / features.shape[1]
    return F.log_softmax(scaled @ scaled.transpose(1, 2), 2)
