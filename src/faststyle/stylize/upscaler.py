"""Pictures with more pixels than they came with, by a trained network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from faststyle.core.devices import find_device
from faststyle.core.errors import UserError
from faststyle.images.pixels import Picture, quantize, resample, to_unit
from faststyle.networks import STRIDE
from faststyle.networks.stages import UpscalingNetwork
from faststyle.styles import TrainedStyle, find_style, load_style
from faststyle.styles.catalog import find_upscaler
from faststyle.stylize import passes
from faststyle.stylize.color import blend
from faststyle.stylize.image_processor import ImageProcessor, Progress, no_progress
from faststyle.stylize.options import DEFAULT_PRECISION, DEFAULT_RENDER, RenderOptions
from faststyle.stylize.passes import choose_dtype, computing

#: Smaller pictures show nothing that could be enlarged.
MIN_SIDE = 4
#: Side, in pixels of the picture, of the squares that large pictures are cut into.
_SIDE = 128


class Upscaler:
    """A trained network, ready to enlarge pictures.

    Pictures are computed in squares where they are large. A network of ours normalizes nothing, so
    squares with a margin of what it sees fit without a seam. Results are called by ``name``, x4,
    and their sides grow by ``factor``.

    Args:
        trained: what :func:`faststyle.styles.load_style` returned.
        device: see :class:`faststyle.stylize.stylizer.Stylizer`.
        precision: see the same.

    Raises:
        UserError: a style, which enlarges nothing; or an unknown precision or device.
    """

    def __init__(
        self, trained: TrainedStyle, device: str = "auto", precision: str = DEFAULT_PRECISION
    ) -> None:
        if not isinstance(trained.network, UpscalingNetwork):
            raise UserError(f"{trained.name} is a style: use faststyle stylize")
        self.device = find_device(device)
        choose_dtype(precision, self.device)
        self.precision = precision
        network = trained.network.to(self.device)
        self.network = network.to(memory_format=torch.channels_last)
        self.factor = trained.network.factor
        self.name = f"x{self.factor}"

    @classmethod
    def load(cls, given: str | None, factor: int | None = None, **options: str) -> "Upscaler":
        """Load one by its name in the catalog or from its file; none is the first by ``factor``.

        ``factor``, 4 if neither is given, is what it must enlarge by; ``options`` are those of the
        class. Raises ``UserError`` if there is none, or what the class raises.
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
        """Enlarge decoded pictures of any sizes; transparency bicubically, ICC profiles are kept.

        Of ``options`` count ``tile`` (the side of squares), ``max_pixels`` (of a result),
        ``strength`` (0 is the bicubic enlargement, more than 1, of
        :class:`~faststyle.stylize.options.UpscaleOptions`, is sharper than the network's) and
        ``color`` (``hist`` gives the result the distribution of the picture's colors, as Johnson et
        al. do). ``progress`` is called with the number of squares done and of all, if there are
        several. Raises ``UserError`` for a picture that is too small, a result that is too large,
        and too little memory.
        """
        return [self._upscale(picture, options, progress) for picture in pictures]

    def check(self, size: tuple[int, int], options: RenderOptions) -> int | None:
        """The side of the squares that a picture of that size goes in, or none for all at once.

        Raises ``UserError`` if it is too small, or its result too large.
        """
        height, width = size
        if min(size) < MIN_SIDE:
            raise UserError(
                f"{width} x {height} pixels are too few to be enlarged: {MIN_SIDE} a side are the"
                " least"
            )
        result = self.factor * height, self.factor * width
        side = self._side(options.tile, result)
        limit, pixels = passes.pixel_limit(options, bool(side)), result[0] * result[1]
        if pixels > limit:
            hint = "raise --max-pixels" if side or options.max_pixels else "pass --tile auto"
            raise UserError(
                f"{width:,} x {height:,} pixels would become {result[1]:,} x {result[0]:,},"
                f" {pixels / 1e6:.1f} megapixels, more than the limit of {limit / 1e6:.1f}: {hint}"
            )
        return side

    def _side(self, tile: int | str, result: tuple[int, int]) -> int | None:
        if tile == "auto":
            memory = self.network.bytes_per_pixel
            return None if passes.fit_at_once(result, 1, self.device, memory) else _SIDE
        return None if tile == "off" else int(tile)

    def _upscale(self, picture: Picture, options: RenderOptions, progress: Progress) -> Picture:
        side = self.check(picture.size, options) or max(picture.size)
        picture = picture.without_hidden()
        dtype = choose_dtype(self.precision, self.device, picture.bit_depth)
        made = self._in_squares(picture.pixels, side, dtype, progress)
        size = made.shape[1], made.shape[2]
        pixels = blend(made, resample(picture.pixels, size), options.color, options.strength)
        alpha = None if picture.alpha is None else resample(picture.alpha, size)
        return replace(picture, pixels=pixels, alpha=alpha)

    def _in_squares(
        self, pixels: Tensor, side: int, dtype: torch.dtype, progress: Progress
    ) -> Tensor:
        """What the network makes of (3, H, W), in its type, ``side`` x ``side`` at a time."""
        factor, halo = self.factor, self.network.halo
        height, width = pixels.shape[1:]
        result = pixels.new_empty((3, factor * height, factor * width))
        squares = list(product(_parts(height, side, halo), _parts(width, side, halo)))
        for number, (rows, columns) in enumerate(squares, 1):
            with computing(self.device, dtype):
                x = to_unit(pixels[None, :, rows.seen, columns.seen])
                x = x.to(self.device, memory_format=torch.channels_last)
                made = self.network(x.float())[0].to(pixels.device)
            target = result[:, _times(rows.own, factor), _times(columns.own, factor)]
            top, left = ((p.own.start - p.seen.start) * factor for p in (rows, columns))
            made = made[:, top : top + target.shape[1], left : left + target.shape[2]]
            target.copy_(made if pixels.is_floating_point() else quantize(made))
            if len(squares) > 1:
                progress(number, len(squares))
        return result


@dataclass(frozen=True)
class StylizeThenUpscale:
    """What one or several styles make of pictures, enlarged: strokes grow too and stay sharp."""

    stylizer: ImageProcessor
    upscaler: Upscaler

    @property
    def name(self) -> str:
        """What results are called by, ``starry_night-x4``."""
        return f"{self.stylizer.name}-{self.upscaler.name}"

    @property
    def factor(self) -> int:
        """By how much results are larger than pictures, once these are scaled."""
        return self.stylizer.factor * self.upscaler.factor

    def process(
        self,
        pictures: Sequence[Picture],
        options: RenderOptions = DEFAULT_RENDER,
        progress: Progress = no_progress,
        origin: tuple[int, int] = (0, 0),
    ) -> list[Picture]:
        """Stylize and enlarge; ``options.max_pixels`` is of the result.

        Raises ``UserError`` before stylizing if the result would be too large.
        """
        for picture in pictures:
            self.upscaler.check(picture.size_at(options.size), options)
        stylized = self.stylizer.process(pictures, options, progress, origin)
        return self.upscale(stylized, options, progress)

    def upscale(
        self, stylized: Sequence[Picture], options: RenderOptions, progress: Progress = no_progress
    ) -> list[Picture]:
        """Enlarge what is stylized; of ``options`` those count that are of the result."""
        of_result = RenderOptions(tile=options.tile, max_pixels=options.max_pixels)
        return self.upscaler.process(stylized, of_result, progress)


class _Part(NamedTuple):
    """Rows or columns that are computed together, and those that the network sees for them."""

    own: slice
    seen: slice


def _parts(length: int, side: int, halo: int) -> Iterator[_Part]:
    # The network pads to multiples of this: a part must end there as the whole picture does.
    side = -(-side // STRIDE) * STRIDE
    for start in range(0, length, side):
        stop = min(start + side, length)
        yield _Part(slice(start, stop), slice(max(0, start - halo), min(stop + halo, length)))


def _times(part: slice, factor: int) -> slice:
    return slice(part.start * factor, part.stop * factor)
