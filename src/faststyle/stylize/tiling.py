"""Large pictures in strips of rows, in little memory: when, of how many rows, and the strips."""

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from faststyle.core.devices import free_memory, return_freed_memory
from faststyle.core.errors import UserError
from faststyle.images.pixels import to_unit
from faststyle.networks import streaming
from faststyle.stylize.options import MIN_ROWS

#: Pictures of more pixels are not stylized as a whole.
MAX_PIXELS = 16_000_000
#: What a strip of a larger picture may take.
_STRIP_BYTES = 200_000_000

#: Called with how many strips are done, and of how many.
Progress = Callable[[int, int], None]


def rows_at_once(
    tile: int | str, size: tuple[int, int], count: int, device: torch.device, memory: int
) -> int | None:
    """How many rows to compute at a time, or none for all.

    Args:
        tile: see :class:`faststyle.stylize.options.StylizeOptions`.
        size: height and width of each picture.
        count: how many pictures are to be stylized together.
        device: whose memory they take.
        memory: bytes that each pixel takes.
    """
    if tile == "off" or min(size) < MIN_ROWS:
        return None
    if tile != "auto":
        return int(tile)
    pixels = size[0] * size[1]
    needed = pixels * count * memory
    if pixels <= MAX_PIXELS and needed <= free_memory(device) // 2:
        return None
    return max(MIN_ROWS, _STRIP_BYTES // (memory * size[1]))


def check_pixels(size: tuple[int, int], limit: int, memory: int) -> None:
    """Raise ``UserError`` for more pixels than ``limit``, each of ``memory`` bytes."""
    pixels = size[0] * size[1]
    if pixels > limit:
        raise UserError(
            f"{pixels / 1e6:.1f} megapixels are more than the limit of {limit / 1e6:.1f};"
            " pass --size or --tile, or raise --max-pixels if there is memory"
            f" ({memory} bytes a pixel)"
        )


def stylize_strips(
    network: nn.Module,
    pixels: Tensor,
    rows: int,
    device: torch.device,
    dtype: torch.dtype,
    progress: Progress,
    weights: Tensor | None = None,
) -> Iterator[tuple[slice, Tensor]]:
    """What ``network`` makes of a picture, from the top to the bottom.

    Args:
        network: one that :func:`faststyle.networks.streaming.can_stream`, on ``device``.
        pixels: (3, H, W), uint8 or float in [0, 1].
        rows: how many rows to compute at a time.
        device: where to compute.
        dtype: what convolutions compute in.
        progress: called after each strip of each pass over the picture.
        weights: how much pixels count in statistics, (H, W), uint8 or in [0, 1]; none for alike.

    Yields:
        The rows of each strip, and the strip, (1, 3, rows, W) in [0, 1] on ``device``.
    """
    assert streaming.can_stream(network)
    return_freed_memory()  # decoding left two more pictures' worth
    height, width = pixels.shape[1:]
    done = itertools.count(1)
    total = streaming.count_strips(network, height, rows)
    for start, stylized in streaming.stream(
        network,
        lambda start, stop: to_unit(pixels[None, :, start:stop]).to(device),
        height,
        width,
        rows,
        dtype,
        lambda: progress(next(done), total),
        weights=None
        if weights is None
        else lambda start, stop: to_unit(weights[None, None, start:stop]).to(device),
    ):
        yield slice(start, start + stylized.shape[2]), stylized
