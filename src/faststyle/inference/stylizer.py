"""One object that turns pictures into stylized pictures."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from faststyle.checkpoints import OnnxStyle, TrainedStyle, find_style, load_style, read_onnx
from faststyle.core.devices import cpu_has_bf16, find_device, free_memory, return_freed_memory
from faststyle.core.errors import UserError, nearest
from faststyle.networks import streaming
from faststyle.pictures import files
from faststyle.pictures.arrays import Photos, to_batch
from faststyle.pictures.picture import Picture
from faststyle.pictures.pixels import quantize, resize, scaled_size, to_luma, to_unit

_DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}
PRECISIONS = ("auto", *_DTYPES)
#: Pictures of more pixels are not stylized as a whole.
MAX_PIXELS = 16_000_000
#: Memory grows with the picture; this is for the default network in float32.
_BYTES_PER_PIXEL = 350
#: What a strip of a larger picture may take.
_STRIP_BYTES = 200_000_000
#: Strips of fewer rows would be mostly overlap.
_MIN_ROWS = 32

Progress = Callable[[int, int], None]


class Stylizer:
    """A trained style, ready to be applied to photos.

    >>> stylizer = Stylizer.load("starry_night")
    >>> stylized = stylizer(photo)  # Pillow, NumPy or torch; the same out

    Args:
        style: what :func:`faststyle.checkpoints.load_style` or ``read_onnx`` returned; ONNX Runtime
            computes in float32 on the CPU, whatever the next two say.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto`` (an accelerator if there is one).
        precision: ``32``, ``bf16`` or ``16``: what convolutions compute in; ``auto`` is ``bf16`` on
            a CPU that has it (twice as fast, less than a gray level off in the mean), else ``32``.

    Raises:
        UserError: an unknown precision or a device that this machine lacks.
    """

    def __init__(
        self, style: TrainedStyle | OnnxStyle, device: str = "auto", precision: str = "32"
    ) -> None:
        if precision not in PRECISIONS:
            raise UserError(f'unknown precision "{precision}": {nearest(precision, PRECISIONS)}')
        self.name = style.name
        self.metadata = style.metadata
        self.device = find_device(device)
        self.dtype = _dtype(precision, self.device)
        network: nn.Module = style.network.to(self.device)
        self.network = network.to(memory_format=torch.channels_last)

    @classmethod
    def load(cls, style: str | Path, **options: Any) -> "Stylizer":
        """Load a style by its name in the catalog, or from its file. Raises ``UserError``."""
        path = find_style(str(style))
        return cls(read_onnx(path) if path.suffix == ".onnx" else load_style(path), **options)

    def __call__(
        self, photos: Photos, strength: float = 1.0, preserve_color: bool = False
    ) -> Photos:
        """Stylize a photo, or a batch of one size.

        Args:
            photos: a tensor (N, 3, H, W) or (3, H, W), an array (N, H, W, 3) or (H, W, 3), RGB,
                float in [0, 1] or uint8; or a Pillow image.
            strength: 0 leaves the photo as it is, 1 is the style alone, between is a blend.
            preserve_color: take brightness from the stylized picture and color from the photo.

        Returns:
            The same form, shape, dtype and device as ``photos``.

        Raises:
            UserError: a strength outside 0..1, too little memory.
            ValueError: another shape than stated.
            TypeError: none of these forms.
        """
        _check_strength(strength)
        batch, back = to_batch(photos)
        result: Photos = back(self._stylize(batch, strength, preserve_color))
        return result

    def _stylize(self, batch: Tensor, strength: float, preserve_color: bool) -> Tensor:
        """Photos (N, 3, H, W) in [0, 1] to the same shape, dtype and device."""
        with self._computing(self.dtype):
            x = batch.to(device=self.device, memory_format=torch.channels_last).float()
            stylized = self.network(x)
        return _blend(stylized, batch, strength, preserve_color)

    def stylize(
        self,
        pictures: Sequence[Picture],
        size: int | None = None,
        strength: float = 1.0,
        preserve_color: bool = False,
        max_pixels: int | None = None,
        tile: str | int = "off",
        progress: Progress = lambda done, total: None,
        overwrite: bool = False,
    ) -> list[Picture]:
        """Stylize decoded pictures of one size together, keeping alpha and ICC profiles.

        Args:
            pictures: as :func:`faststyle.pictures.files.load` gives them, all of the same size.
            size: short side to scale to first; none keeps the size.
            strength: as in :meth:`__call__`.
            preserve_color: as in :meth:`__call__`.
            max_pixels: the largest picture that is tried; none is :data:`MAX_PIXELS` for a picture
                in one piece, and as many as :mod:`faststyle.pictures.files` reads in strips.
            tile: how many rows to compute at a time, each picture by itself, which bounds memory
                for twice the time (:mod:`faststyle.networks.streaming`); ``off`` for all at once;
                ``auto`` to do so where the pictures would take half of the memory that is free.
            progress: called with the number of strips done and of all, if ``tile`` makes any.
            overwrite: let strips take the place of the pixels they were made from, which saves the
                memory of a picture.

        Returns:
            Pictures of the same type of pixels as they came in.

        Raises:
            UserError: a picture that is too large, and what :meth:`__call__` raises.
        """
        _check_strength(strength)
        height, width = pictures[0].pixels.shape[-2:]
        if size is not None:
            if size < 1:
                raise UserError(f"size is {size}; it must be at least 1 pixel")
            height, width = scaled_size(pictures[0].pixels, size)
        rows = self._rows(tile, (height, width), len(pictures))
        if max_pixels is None:
            max_pixels = files.MAX_PIXELS if rows else MAX_PIXELS
        _check_pixels((height, width), max_pixels)
        if size is not None:
            pictures = [_resized(picture, size) for picture in pictures]
        if rows:
            choice = (strength, preserve_color, progress, overwrite)
            stylized = [self._in_strips(picture.pixels, rows, *choice) for picture in pictures]
        else:
            batch = to_unit(torch.stack([picture.pixels for picture in pictures]))
            stylized = list(self._stylize(batch, strength, preserve_color))
        return [
            replace(p, pixels=_as_before(s, p.pixels))
            for p, s in zip(pictures, stylized, strict=True)
        ]

    def _rows(self, tile: str | int, size: tuple[int, int], count: int) -> int | None:
        """How many rows to compute at a time, or none for all, of ``count`` pictures."""
        if tile == "off" or min(size) < _MIN_ROWS:
            return None
        if tile == "auto":
            pixels = size[0] * size[1]
            needed = pixels * count * _BYTES_PER_PIXEL
            fits = pixels <= MAX_PIXELS and needed <= free_memory(self.device) // 2
            if fits or not streaming.can_stream(self.network):
                return None
            return max(_MIN_ROWS, _STRIP_BYTES // (_BYTES_PER_PIXEL * size[1]))
        if isinstance(tile, str) or tile < _MIN_ROWS:
            raise UserError(f'tile is "{tile}"; it must be auto, off, or {_MIN_ROWS} rows or more')
        if not streaming.can_stream(self.network):
            raise UserError(f"{self.name}: networks of this kind need whole pictures: tile=off")
        return tile

    def _in_strips(
        self,
        pixels: Tensor,
        rows: int,
        strength: float,
        preserve_color: bool,
        progress: Progress,
        overwrite: bool,
    ) -> Tensor:
        assert streaming.can_stream(self.network)
        return_freed_memory()  # decoding left two more pictures' worth
        height, width = pixels.shape[1:]
        done = itertools.count(1)
        total = streaming.count_strips(self.network, height, rows)
        result = pixels if overwrite else torch.empty_like(pixels)
        with self._computing(torch.float32):  # strips come in the dtype to compute in
            for start, stylized in streaming.stream(
                self.network,
                lambda start, stop: to_unit(pixels[None, :, start:stop]).to(self.device),
                height,
                width,
                rows,
                self.dtype,
                lambda: progress(next(done), total),
            ):
                strip = slice(start, start + stylized.shape[2])
                photo = to_unit(pixels[None, :, strip])
                blended = _blend(stylized, photo, strength, preserve_color)
                result[:, strip] = _as_before(blended[0], pixels)
        return result

    @contextmanager
    def _computing(self, dtype: torch.dtype) -> Iterator[None]:
        """Without a graph, by autocast, and with an error for people if memory ends."""
        # Autocast keeps the weights and the sums of normalization in float32.
        reduced = dtype != torch.float32
        try:
            with torch.no_grad(), torch.autocast(self.device.type, dtype, enabled=reduced):
                yield
        except RuntimeError as error:
            if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(
                error
            ):
                raise
            raise UserError(
                "too little memory for so many pixels: use --tile, or a smaller --size or"
                " --batch-size"
            ) from None


def _dtype(precision: str, device: torch.device) -> torch.dtype:
    if precision == "auto":
        precision = "bf16" if device.type == "cpu" and cpu_has_bf16() else "32"
    return _DTYPES[precision]


def _check_strength(strength: float) -> None:
    if not 0 <= strength <= 1:
        raise UserError(f"strength is {strength}; it must lie between 0 and 1")


def _blend(stylized: Tensor, photos: Tensor, strength: float, preserve_color: bool) -> Tensor:
    """In the dtype and on the device of ``photos``, (N, 3, H, W) in [0, 1]."""
    stylized = stylized.to(photos).clamp_(0, 1)
    if preserve_color:
        stylized = _with_color_of(stylized, photos)
    return torch.lerp(photos, stylized, strength) if strength < 1 else stylized


def _with_color_of(stylized: Tensor, photos: Tensor) -> Tensor:
    """Shift each pixel of the photo along gray until it is as bright as the stylized one."""
    return (photos + to_luma(stylized - photos)).clamp_(0, 1)


def _as_before(stylized: Tensor, pixels: Tensor) -> Tensor:
    """In the type that the photo came in."""
    return quantize(stylized) if pixels.dtype == torch.uint8 else stylized


def _check_pixels(size: tuple[int, int], limit: int) -> None:
    pixels = size[0] * size[1]
    if pixels > limit:
        raise UserError(
            f"{pixels / 1e6:.1f} megapixels are more than the limit of {limit / 1e6:.1f};"
            " pass --size or --tile, or raise --max-pixels if there is memory (350 bytes a pixel)"
        )


def _resized(picture: Picture, size: int) -> Picture:
    alpha = None if picture.alpha is None else resize(picture.alpha, size)
    return replace(picture, pixels=resize(picture.pixels, size), alpha=alpha)
