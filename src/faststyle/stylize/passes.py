"""One pass of a network over pictures, in one piece or in strips."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from faststyle.core.devices import cpu_has_bf16
from faststyle.core.errors import UserError, is_out_of_memory, nearest
from faststyle.images.pixels import quantize, to_unit
from faststyle.stylize import tiling
from faststyle.stylize.options import MIN_ROWS
from faststyle.stylize.region_statistics import RegionStatistics

_DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}
PRECISIONS = ("auto", *_DTYPES)


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """What convolutions compute in; see :class:`faststyle.stylize.stylizer.Stylizer`.

    Raises ``UserError`` for a precision that is not one of :data:`PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise UserError(f'unknown precision "{precision}": {nearest(precision, PRECISIONS)}')
    if precision == "auto":
        precision = "bf16" if device.type == "cpu" and cpu_has_bf16() else "32"
    return _DTYPES[precision]


@dataclass(frozen=True)
class Pass:
    """How a network goes over pictures.

    Args:
        device: which the network is on.
        dtype: what convolutions compute in.
        rows: of a strip; none for pictures as wholes, as small ones always are.
        progress: called with the number of strips done and of all.
    """

    device: torch.device
    dtype: torch.dtype
    rows: int | None = None
    progress: tiling.Progress = lambda *_: None

    def run(self, network: nn.Module, pictures: Tensor, place: RegionStatistics | None) -> Tensor:
        """What the network makes of pictures.

        Args:
            network: in evaluation mode.
            pictures: (N, 3, H, W), uint8 or float in [0, 1]; one in strips.
            place: where the statistics of the one picture come from; none is all of it.

        Returns:
            The same shape; float, which may leave [0, 1], but uint8 for strips of uint8.

        Raises:
            UserError: too little memory.
        """
        size = pictures.shape[2], pictures.shape[3]
        if place:
            place = place.scaled(size)
        if self.rows and min(size) >= MIN_ROWS:  # large strokes make a small picture smaller
            return self._in_strips(network, pictures, self.rows, place)
        with computing(self.device, self.dtype):
            x = to_unit(pictures).to(device=self.device, memory_format=torch.channels_last)
            fitting = place.network(network) if place else network
            painted: Tensor = fitting(x.float())
        return painted.to(pictures.device)

    def _in_strips(
        self, network: nn.Module, pictures: Tensor, rows: int, place: RegionStatistics | None
    ) -> Tensor:
        result = torch.empty_like(pictures)
        weights = place.masks.amax(0) if place else None
        with computing(self.device, torch.float32):  # strips come in the dtype to compute in
            for strip, painted in tiling.stylize_strips(
                network, pictures[0], rows, self.device, self.dtype, self.progress, weights
            ):
                result[:, :, strip] = quantize(painted) if result.dtype == torch.uint8 else painted
        return result


@contextmanager
def computing(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Without a graph, by autocast, and with an error for people if memory ends."""
    # Autocast keeps the weights and the sums of normalization in float32.
    reduced = dtype != torch.float32
    try:
        with torch.no_grad(), torch.autocast(device.type, dtype, enabled=reduced):
            yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            "too little memory for so many pixels: use --tile, or a smaller --size or --batch-size"
        ) from None
