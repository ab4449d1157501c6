"""Whether a picture has the structure of its photo, whatever it is painted with."""

import torch.nn.functional as F
from torch import Tensor

from faststyle.encoder import LossNetwork
from faststyle.losses.sampling import vectors

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
