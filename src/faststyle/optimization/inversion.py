"""What a layer keeps of a photo (Mahendran and Vedaldi, 2015)."""

from collections.abc import Callable

from torch import Tensor

from faststyle.encoder import LossNetwork
from faststyle.losses import PerceptualLoss
from faststyle.optimization.objective import Objective
from faststyle.optimization.optimizers import LBFGS
from faststyle.optimization.start import starting_picture

#: Weight of the total variation: among all pictures with the same features, a smooth one.
TV_WEIGHT = 0.1


def invert(
    encoder: LossNetwork,
    layer: str,
    photo: Tensor,
    iterations: int = 200,
    seed: int = 0,
    after_each: Callable[[], None] = lambda: None,
) -> Tensor:
    """Find, from noise, a picture with the photo's features at one layer.

    Args:
        encoder: the loss network.
        layer: of the encoder.
        photo: (3, H, W) in [0, 1].
        iterations: of L-BFGS.
        seed: of the noise.
        after_each: called after every iteration.

    Returns:
        (3, H, W) in [0, 1].

    Raises:
        UserError: an unknown layer.
    """
    loss = PerceptualLoss(encoder, {layer: 1.0}, {}, tv_weight=TV_WEIGHT)
    size = (photo.shape[1], photo.shape[2])
    pixels = starting_picture("noise", 1.0, None, size, seed)[None].to(photo.device)
    objective = Objective(loss, photo[None])
    LBFGS(pixels).minimize(objective, iterations, after_each)
    assert objective.best is not None
    return objective.best[0]
