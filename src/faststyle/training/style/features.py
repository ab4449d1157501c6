"""What a network has made of a photo before it enlarges it to a picture again."""

from typing import cast

from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.networks.stages import coarsest_features, stages_of


class EncoderFeatures:
    """Keeps the features of a network's last pass: what its first up-sampling layer is given.

    ``stride`` is how many pixels of the photo there are for each row of features. Raises
    ``UserError`` for a network without ``stages()`` of which one enlarges.
    """

    def __init__(self, network: nn.Module) -> None:
        found = coarsest_features(stages_of(network))
        if found is None:
            raise UserError(
                f"temporal.feature_weight: {type(network).__name__} has no stage that enlarges,"
                " before which features could be compared; set it to 0"
            )
        layer, self.stride = found
        self._last: Tensor | None = None
        cast(nn.Module, layer).register_forward_pre_hook(self._keep)

    def take(self) -> Tensor:
        """The features of the last pass, (N, C, H / stride, W / stride), which are let go."""
        features, self._last = self._last, None
        assert features is not None
        return features

    def _keep(self, _layer: nn.Module, inputs: tuple[Tensor]) -> None:
        [self._last] = inputs
