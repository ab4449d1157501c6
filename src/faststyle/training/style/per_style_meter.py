"""The loss of each style, where several are trained together."""

from collections.abc import Callable

import torch
from torch import Tensor


class PerStyleMeter:
    """The mean loss of each style over the pictures since it was last asked for.

    Args:
        count: how many styles there are.
    """

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
