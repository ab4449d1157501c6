"""Several styles in one training: whose turn it is, and the loss of each."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from faststyle.core.chance import Purpose, numpy_generator


class StyleSampler:
    """The style of each place in a run: a function of the seed and that place, nothing else.

    A run that is resumed, or that several processes share, so gives a photo the same style. Of as
    many photos in a row as there are styles, beginning at a multiple of that, each style gets its
    share, to the next whole number up or down. Of ``shares``, above 0, only proportions count.
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


class PerStyleMeter:
    """The mean loss of each of ``count`` styles over the pictures since it was last asked for."""

    def __init__(self, count: int) -> None:
        self._sums = torch.zeros(2, count)  # of losses, of pictures

    def add(self, styles: Tensor, losses: Tensor) -> None:
        """Pictures of ``styles`` (N,) had ``losses`` (N,)."""
        self._sums = self._sums.to(losses.device)
        values = torch.stack([losses, torch.ones_like(losses)]).to(self._sums)
        self._sums.index_add_(1, styles, values)

    def take(self, gather: Callable[[Tensor], Tensor]) -> dict[int, float]:
        """Number of a style -> its mean loss, of those that there were; then begin anew.

        ``gather``: stacks a tensor of all processes, or leaves that of a single one.
        """
        losses, pictures = gather(self._sums).view(-1, *self._sums.shape).sum(0).tolist()
        self._sums.zero_()
        pairs = enumerate(zip(losses, pictures, strict=True))
        return {style: loss / count for style, (loss, count) in pairs if count}
