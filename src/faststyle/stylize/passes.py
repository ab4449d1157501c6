"""One pass of a network over pictures: in one piece, or in strips of rows in little memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from faststyle.core.devices import cpu_has_bf16, free_memory, return_freed_memory
from faststyle.core.errors import UserError, is_out_of_memory, nearest
from faststyle.images.pixels import MAX_PIXELS as LARGEST_FILE
from faststyle.images.pixels import quantize, resample, to_unit
from faststyle.networks import streaming
from faststyle.networks.noise import takes_noise
from faststyle.networks.regional import knows_regions, regional
from faststyle.networks.stages import NoiseField
from faststyle.stylize.image_processor import Progress, no_progress
from faststyle.stylize.options import MIN_ROWS, PRECISIONS, RenderOptions

#: Pictures of more pixels are not stylized in one piece.
MAX_PIXELS = 16_000_000
#: What a strip of a larger picture may take.
_STRIP_BYTES = 200_000_000
_DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}


def choose_dtype(precision: str, device: torch.device, bit_depth: int = 8) -> torch.dtype:
    """What convolutions compute in; see :class:`faststyle.stylize.stylizer.Stylizer`.

    Raises ``UserError`` for a precision that is not one of
    :data:`faststyle.stylize.options.PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise UserError(f'unknown precision "{precision}": {nearest(precision, PRECISIONS)}')
    if precision == "auto":
        # Of the 16 bits that a result may have, bf16 knows 8.
        is_fast = device.type == "cpu" and bit_depth == 8 and cpu_has_bf16()
        precision = "bf16" if is_fast else "32"
    return _DTYPES[precision]


def fit_at_once(size: tuple[int, int], count: int, device: torch.device, memory: int) -> bool:
    """Whether pictures can be computed whole; the arguments are those of :func:`rows_at_once`."""
    pixels = size[0] * size[1]
    return pixels <= MAX_PIXELS and pixels * count * memory <= free_memory(device) // 2


def rows_at_once(
    tile: int | str, size: tuple[int, int], count: int, device: torch.device, memory: int
) -> int | None:
    """How many rows to compute at a time, or none for all.

    ``tile`` is that of :class:`faststyle.stylize.options.RenderOptions`. ``count`` pictures of a
    ``size`` (height, width) are to be stylized together, of which a pixel takes ``memory`` bytes.
    """
    if tile == "off" or min(size) < MIN_ROWS:
        return None
    if tile != "auto":
        return int(tile)
    if fit_at_once(size, count, device, memory):
        return None
    return max(MIN_ROWS, _STRIP_BYTES // (memory * size[1]))


def pixel_limit(options: RenderOptions, is_in_parts: bool) -> int:
    """The largest picture that ``options`` allow, as a whole or in parts."""
    return options.max_pixels or (LARGEST_FILE if is_in_parts else MAX_PIXELS)


def check_pixels(size: tuple[int, int], limit: int, memory: int) -> None:
    """Raise ``UserError`` for more pixels than ``limit``, each of ``memory`` bytes."""
    pixels = size[0] * size[1]
    if pixels > limit:
        raise UserError(
            f"{pixels / 1e6:.1f} megapixels are more than the limit of {limit / 1e6:.1f};"
            " pass --size or --tile, or raise --max-pixels if there is memory"
            f" ({memory} bytes a pixel)"
        )


@dataclass(frozen=True)
class RegionStatistics:
    """Where a network takes its statistics from (:mod:`faststyle.networks.regional`).

    ``masks`` are of regions, each normalized by itself: uint8 (R, H, W), 255 inside, none of them 0
    everywhere. If these are to have several styles of a ``multi_style_network`` of S,
    ``style_weights`` (R, S) are the weights of these in each region.
    """

    masks: Tensor
    multi_style_network: nn.Module | None = None
    style_weights: Tensor | None = None

    def scaled(self, size: tuple[int, int]) -> "RegionStatistics":
        """The same regions of the picture at another height and width."""
        masks = resample(self.masks, size)
        # Of a region so small that it vanishes, the statistics are the picture's.
        return replace(self, masks=torch.where(masks.amax((1, 2), keepdim=True) > 0, masks, 255))

    def network(self, usual: nn.Module) -> nn.Module:
        """What takes the place of a network for this one picture."""
        network = usual if self.multi_style_network is None else self.multi_style_network
        if not knows_regions(network):
            return usual
        device = next(network.parameters()).device
        return regional(network, to_unit(self.masks.to(device)), self.style_weights)


@dataclass(frozen=True)
class Pass:
    """How a network goes over pictures: on which device, and in which type convolutions compute.

    ``network`` is in evaluation mode, and its paint is as thick as asked. ``strength`` is the part
    of its result in the end, of which the photo has the rest. ``rows`` are of a strip; none is for
    pictures as wholes, as small ones always are. ``progress`` is called with the number of strips
    done and of all. For ``origin`` see :class:`faststyle.stylize.image_processor.ImageProcessor`.
    """

    network: nn.Module
    device: torch.device
    dtype: torch.dtype
    strength: float = 1.0
    rows: int | None = None
    progress: Progress = no_progress
    origin: tuple[int, int] = (0, 0)

    def run(self, pictures: Tensor, regions: RegionStatistics | None) -> Tensor:
        """What the network makes of pictures (N, 3, H, W), uint8 or in [0, 1].

        In strips, or with ``regions``, it is one picture. The result is float, which may leave
        [0, 1], but uint8 for strips of uint8. Raises ``UserError`` for too little memory.
        """
        size = pictures.shape[2], pictures.shape[3]
        if regions:
            regions = regions.scaled(size)
        noise = NoiseField(row=self.origin[0], column=self.origin[1])
        if self.rows and min(size) >= MIN_ROWS:  # large strokes make a small picture smaller
            return self._in_strips(pictures, self.rows, regions, noise)
        network = regions.network(self.network) if regions else self.network
        with computing(self.device, self.dtype):
            x = to_unit(pictures).to(device=self.device, memory_format=torch.channels_last)
            given = {"noise": noise} if takes_noise(network) else {}
            stylized: Tensor = network(x.float(), **given)
        return stylized.to(pictures.device)

    def _in_strips(
        self, pictures: Tensor, rows: int, regions: RegionStatistics | None, noise: NoiseField
    ) -> Tensor:
        assert streaming.can_stream(self.network)
        return_freed_memory()  # decoding left two more pictures' worth
        weights = regions.masks.amax(0)[None, None] if regions else None
        how = rows, self.dtype, self.device, self.progress, weights, noise
        result = torch.empty_like(pictures)
        with computing(self.device, torch.float32):  # strips come in the dtype to compute in
            for start, strip in streaming.stream(self.network, pictures, *how):
                target = result[:, :, start : start + strip.shape[2]]
                target.copy_(quantize(strip) if result.dtype == torch.uint8 else strip)
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
