"""Pictures with more pixels than they came with, by a trained network."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import NamedTuple

import torch
from torch import Tensor

from faststyle.core.devices import find_device, free_memory
from faststyle.core.errors import UserError
from faststyle.images.pixels import MAX_PIXELS, Picture, quantize, resample, to_unit
from faststyle.networks import STRIDE
from faststyle.networks.registry import UpscalingNetwork
from faststyle.styles import TrainedStyle, find_style, load_style
from faststyle.styles.catalog import find_upscaler
from faststyle.stylize import passes
from faststyle.stylize.color import blend
from faststyle.stylize.image_processor import Progress, no_progress
from faststyle.stylize.options import DEFAULT_RENDER, MIN_ROWS, RenderOptions
from faststyle.stylize.passes import choose_dtype, computing

#: Smaller pictures show nothing that could be enlarged.
MIN_SIDE = 4
#: Side, in pixels of the picture, of the squares that large pictures are cut into.
_SIDE = 128


class Upscaler:
    """A trained network, ready to enlarge pictures.

    Pictures are computed in squares where they are large. A network of ours normalizes nothing, so
    squares with a margin of what it sees fit without a seam.

    Args:
        trained: what :func:`faststyle.styles.load_style` returned.
        device: as of :class:`faststyle.stylize.stylizer.Stylizer`.
        precision: as there.

    Attributes:
        factor: by how much sides grow.
        name: what results are called by, ``x4``.

    Raises:
        UserError: a style, which enlarges nothing; or an unknown precision or device.
    """

    def __init__(self, trained: TrainedStyle, device: str = "auto", precision: str = "32") -> None:
        if not isinstance(trained.network, UpscalingNetwork):
            raise UserError(f"{trained.name} is a style: use faststyle stylize")
        self.device = find_device(device)
        self.dtype = choose_dtype(precision, self.device)
        self._may_choose = precision == "auto"
        network = trained.network.to(self.device)
        self.network = network.to(memory_format=torch.channels_last)
        self.factor = trained.network.factor
        self.name = f"x{self.factor}"

    @classmethod
    def load(cls, given: str | None, factor: int | None = None, **options: str) -> "Upscaler":
        """Load one by its name in the catalog, or from its file.

        Args:
            given: name or file; none is the first in the catalog that enlarges by ``factor``.
            factor: that it must have; none is any of ``given``, else 4.
            options: as for the class.

        Raises:
            UserError: there is none, or it has another factor; or as the class.
        """
        path = find_upscaler(factor or 4) if given is None else find_style(given).path
        upscaler = cls(load_style(path), **options)
        if factor not in (None, upscaler.factor):
            raise UserError(f"{path} enlarges by {upscaler.factor}, not by {factor}")
        return upscaler

    def process(
        self,
        pictures: Sequence[Picture],
        options: RenderOptions = DEFAULT_RENDER,
        progress: Progress = no_progress,
        origin: tuple[int, int] = (0, 0),  # noqa: ARG002  # there is no noise that would have one
    ) -> list[Picture]:
        """Enlarge decoded pictures; transparency bicubically, ICC profiles are kept.

        Args:
            pictures: of any sizes.
            options: how: ``tile`` (the side of squares), ``max_pixels`` of a result; ``strength`` 0
                is the bicubic enlargement, more than 1
                (of :class:`~faststyle.stylize.options.UpscaleOptions`) is sharper than the
                network's; ``color="hist"`` gives the result the distribution of the picture's
                colors, as Johnson et al. do.
            progress: called with the number of squares done and of all, if there are several.
            origin: of no effect.

        Returns:
            Pictures of ``factor`` times the size, of the same type of pixels.

        Raises:
            UserError: a picture that is too small, a result that is too large, too little memory.
        """
        return [self._upscale(picture, options, progress) for picture in pictures]

    def check(self, size: tuple[int, int], options: RenderOptions) -> int | None:
        """The side of the squares that a picture of that size goes in, or none for all at once.

        Raises ``UserError`` if it is too small, or its result too large.
        """
        height, width = size
        enlarged = self.factor * height, self.factor * width
        side = _side_at_once(options.tile, enlarged, self.device, self.network.bytes_per_pixel)
        _check_size(width, height, self.factor, options.max_pixels, side)
        return side

    def _upscale(self, picture: Picture, options: RenderOptions, progress: Progress) -> Picture:
        height, width = picture.size
        side = self.check(picture.size, options)
        picture = picture.without_hidden()
        # Of the 16 bits that a result may have, bf16 knows 8.
        dtype = torch.float32 if self._may_choose and picture.bit_depth == 16 else self.dtype
        made = self._in_squares(picture.pixels, side or max(height, width), dtype, progress)
        size = self.factor * height, self.factor * width
        pixels = blend(made, resample(picture.pixels, size), options)
        alpha = None if picture.alpha is None else resample(picture.alpha, size)
        return replace(picture, pixels=pixels, alpha=alpha)

    def _in_squares(
        self, pixels: Tensor, side: int, dtype: torch.dtype, progress: Progress
    ) -> Tensor:
        """What the network makes of (3, H, W), in its type, ``side`` x ``side`` at a time."""
        factor = self.factor
        height, width = pixels.shape[1:]
        result = pixels.new_empty((3, factor * height, factor * width))
        down = list(_parts(height, side, self.network.halo))
        across = list(_parts(width, side, self.network.halo))
        done, total = count(1), len(down) * len(across)
        for rows in down:
            for columns in across:
                seen = pixels[None, :, rows.seen, columns.seen]
                with computing(self.device, dtype):
                    x = to_unit(seen).to(self.device, memory_format=torch.channels_last)
                    made = self.network(x.float())[0]
                made = made[:, rows.inside(factor), columns.inside(factor)].to(pixels.device)
                target = result[:, rows.of_result(factor), columns.of_result(factor)]
                target.copy_(made if pixels.is_floating_point() else quantize(made))
                if total > 1:
                    progress(next(done), total)
        return result


class _Part(NamedTuple):
    """Rows or columns that are computed together, and those that the network sees for them."""

    own: slice
    seen: slice

    def of_result(self, factor: int) -> slice:
        return slice(self.own.start * factor, self.own.stop * factor)

    def inside(self, factor: int) -> slice:
        """Of what the network makes of ``seen``."""
        start = self.seen.start
        return slice((self.own.start - start) * factor, (self.own.stop - start) * factor)


def _parts(length: int, side: int, halo: int) -> Iterator[_Part]:
    # The network pads to multiples of this: a part must end there as the whole picture does.
    side = -(-side // STRIDE) * STRIDE
    for start in range(0, length, side):
        stop = min(start + side, length)
        yield _Part(slice(start, stop), slice(max(0, start - halo), min(stop + halo, length)))


def _side_at_once(
    tile: int | str, size: tuple[int, int], device: torch.device, memory: int
) -> int | None:
    """The side of squares for a result of that size, or none for all at once.

    ``memory``: bytes for each pixel of the result.
    """
    if tile == "off":
        return None
    if tile != "auto":
        return max(MIN_ROWS, int(tile))
    needed = size[0] * size[1] * memory
    is_small = size[0] * size[1] <= passes.MAX_PIXELS and needed <= free_memory(device) // 2
    return None if is_small else _SIDE


def _check_size(
    width: int, height: int, factor: int, max_pixels: int | None, side: int | None
) -> None:
    if min(width, height) < MIN_SIDE:
        raise UserError(
            f"{width} x {height} pixels are too few to be enlarged: {MIN_SIDE} a side are the least"
        )
    limit = max_pixels or (MAX_PIXELS if side else passes.MAX_PIXELS)
    pixels = width * height * factor**2
    if pixels > limit:
        hint = "raise --max-pixels" if side or max_pixels else "pass --tile auto"
        raise UserError(
            f"{width:,} x {height:,} pixels would become {width * factor:,} x {height * factor:,},"
            f" {pixels / 1e6:.1f} megapixels, more than the limit of {limit / 1e6:.1f}: {hint}"
        )
