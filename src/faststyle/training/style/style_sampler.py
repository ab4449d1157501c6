"""Which style each photo of a training is shown in, where several are trained together."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from faststyle.core.chance import Purpose, numpy_generator


class StyleSampler:
    """The style of each place in a run: a function of the seed and that place, nothing else.

    A run that is resumed, or that several processes share, so gives a photo the same style. Of as
    many photos in a row as there are styles, beginning at a multiple of that, each style gets its
    share, to the next whole number up or down.

    Args:
        shares: of the styles, above 0; only their proportions count.
        seed: of the order.
    """

    def __init__(self, shares: Sequence[float], seed: int) -> None:
        self.seed = seed
        self.count = len(shares)
        self._ends = np.cumsum(shares) / np.sum(shares)

    def at(self, places: Sequence[int]) -> Tensor:
        """The number of the style at each of ``places``: int64 (N,)."""
        return torch.tensor([self._style(place) for place in places])

    def _style(self, place: int) -> int:
        turn, index = divmod(place, self.count)
        # Systematic: the draws of a turn lie at equal distances, from a place of its own.
        generator = numpy_generator(self.seed, Purpose.STYLE, turn)
        draw = (generator.permutation(self.count)[index] + generator.random()) / self.count
        return min(int(np.searchsorted(self._ends, draw, side="right")), self.count - 1)
