"""A transform network that is given a painting beside the photo."""

from typing import Annotated

import torch
from torch import Tensor, nn
from torch.func import functional_call

from faststyle.core.limits import Between
from faststyle.networks.conditional import split_rows, style_rows
from faststyle.networks.predictor import Predictor
from faststyle.networks.stages import DEFAULT_FIELD, NETWORKS, NoiseField
from faststyle.networks.transform import TransformNetwork

#: Rows of the table of scales and shifts.
COMMON, PHOTO = range(2)


@NETWORKS.register("any")
class AnyPaintingNetwork(nn.Module):
    """A :class:`TransformNetwork` whose scales and shifts are predicted from a painting.

    Those of all its normalizations are one row: what all paintings have in common, and what the
    predictor adds for this one. A second row, which is learned, leaves the photo as it is.

    Args:
        width, blocks, noise, margin: of the transform network.
        hidden: width of the predictor.
    """

    def __init__(
        self,
        width: Annotated[int, Between(1, 1024)] = 32,
        blocks: Annotated[int, Between(0, 64)] = 5,
        noise: Annotated[int, Between(0, 8)] = 0,
        margin: Annotated[int, Between(0, 128)] = 0,
        hidden: Annotated[int, Between(1, 4096)] = 96,
    ) -> None:
        super().__init__()
        self.transform = TransformNetwork(width, blocks, noise=noise, margin=margin, styles=2)
        self.predictor = Predictor(style_rows(self.transform).shape[1], hidden)

    def forward(
        self,
        images: Tensor,
        paintings: Tensor,
        noise: NoiseField = DEFAULT_FIELD,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Stylize ``images`` (N, 3, H, W; RGB in [0, 1]) after as many ``paintings``.

        ``keep`` (N,): which pictures are to stay photos instead.
        """
        rows = self.predict(paintings)
        if keep is not None:
            rows = torch.where(keep[:, None], self.photo_row, rows)
        changed = split_rows(self.transform, rows)
        result: Tensor = functional_call(self.transform, changed, (images,), {"noise": noise})
        return result

    def predict(self, paintings: Tensor) -> Tensor:
        """All scales and shifts for paintings (N, 3, H, W; RGB in [0, 1]): (N, K)."""
        predicted: Tensor = self.predictor(paintings)
        return style_rows(self.transform)[COMMON] + predicted

    @property
    def photo_row(self) -> Tensor:
        """The scales and shifts (K,) that leave a photo as it is."""
        return style_rows(self.transform)[PHOTO]
