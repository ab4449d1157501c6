"""A small loss network, distilled from VGG-19, that ships with faststyle."""

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from faststyle.core.assets import bundled_file
from faststyle.core.errors import UserError
from faststyle.encoder.base import LOSS_NETWORKS, LossNetwork
from faststyle.encoder.weights import he_initialize, read_state
from faststyle.networks.lite_features import HEADS, LiteFeatures, lite_features


@LOSS_NETWORKS.register("lite")
class LiteEncoder(LossNetwork):
    """Predicts VGG-19's features channel by channel, at an eighth of its arithmetic.

    Four stages of narrow 3x3 convolutions, each followed by a 1x1 convolution with a ReLU that
    predicts a layer of the teacher under the teacher's name, so that the same losses, layers and
    weights work unchanged, and shapes are VGG-19's. The teacher was rescaled to unit activations
    first.

    Args:
        weights: ``bundled``, the path of a ``.safetensors`` or ``.pth`` file that
            ``faststyle distill`` wrote, or ``random`` (to be trained).
        frozen: make the weights constants that no optimizer sees and no checkpoint holds.

    Raises:
        UserError: weights that cannot be read or do not fit.
    """

    def __init__(self, weights: str = "bundled", frozen: bool = True) -> None:
        super().__init__(tuple(HEADS), weights)
        features = LiteFeatures()
        self.stages, self.heads = features.stages, features.heads
        if weights == "random":
            he_initialize(self)
        else:
            self._load(weights)
        if frozen:
            self.freeze()

    def iter_features(self, x: Tensor, wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
        """The wanted layers; the heads of others are not computed."""
        return lite_features(self.stages, self.heads, x, wanted)

    def _load(self, weights: str) -> None:
        bundled = weights == "bundled"
        path = bundled_file("lite_encoder.safetensors") if bundled else Path(weights).expanduser()
        state = {name: value.float() for name, value in read_state(path).items()}
        try:
            self.load_state_dict(state)
        except RuntimeError:
            raise UserError(f"{path} holds no weights of the lite encoder") from None
