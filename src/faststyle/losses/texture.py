"""Texture: the style of each small part of a picture (Sajjadi et al., 2017, EnhanceNet, eq. 4)."""

from torch import Tensor

from faststyle.losses.statistics import Statistic, gram_matrix

#: Rows and columns of features in a part. Parts of deeper layers are larger in the picture.
SIDE = 8


class LocalGram(Statistic):
    """The Gram matrix of each part of the features, (N, P, C, C).

    A whole picture's says what there is, and not where. Parts of ``side`` x ``side`` places are so
    small that leaves stay in the tree, and so large that no leaf has to be where it was: what
    cannot be known is not averaged, and so not blurred.

    Args:
        side: rows and columns of a part; what is left over at the right and below is not seen, and
            a layer with fewer is one part.
    """

    def __init__(self, side: int = SIDE) -> None:
        self.side = side

    def __call__(self, features: Tensor) -> tuple[Tensor, ...]:
        """See :class:`Statistic`."""
        count, channels, height, width = features.shape
        rows, columns = min(self.side, height), min(self.side, width)
        down, across = height // rows, width // columns
        seen = features[..., : down * rows, : across * columns]
        parts = seen.reshape(count, channels, down, rows, across, columns)
        parts = parts.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, rows, columns)
        return (gram_matrix(parts).view(count, -1, channels, channels),)
