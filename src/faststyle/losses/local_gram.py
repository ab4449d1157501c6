"""Texture: the style of each small part of a picture (Sajjadi et al., 2017, EnhanceNet, eq. 4)."""

from torch import Tensor

from faststyle.losses.base import STYLE_LOSSES, StatisticLoss, Target
from faststyle.losses.gram import gram_matrix


@STYLE_LOSSES.register("local_gram")
class LocalGram(StatisticLoss):
    """The Gram matrix of each part of the features, (N, P, C, C).

    A whole picture's says what there is, and not where. Parts of ``side`` x ``side`` places are so
    small that leaves stay in the tree, and so large that no leaf has to be where it was: what
    cannot be known is not averaged, and so not blurred.

    Args:
        side: rows and columns of features in a part; parts of deeper layers are larger in the
            picture. What is left over at the right and below is not seen, and
            a layer with fewer is one part.
    """

    def __init__(self, side: int = 8) -> None:
        super().__init__()
        self.side = side

    def statistics(self, features: Tensor) -> Target:
        """The Gram matrices of all parts."""
        count, channels, height, width = features.shape
        rows, columns = min(self.side, height), min(self.side, width)
        down, across = height // rows, width // columns
        seen = features[..., : down * rows, : across * columns]
        parts = seen.reshape(count, channels, down, rows, across, columns)
        parts = parts.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, rows, columns)
        return (gram_matrix(parts).view(count, -1, channels, channels),)
