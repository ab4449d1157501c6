"""One object that turns pictures into stylized pictures."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from faststyle.checkpoints import (
    OnnxStyle,
    StyleMetadata,
    TrainedStyle,
    find_style,
    load_style,
    read_onnx,
)
from faststyle.checkpoints.mixture import Mix, check_single, choose, facts_of, shares_of
from faststyle.core.devices import cpu_has_bf16, find_device, is_out_of_memory
from faststyle.core.errors import UserError, nearest
from faststyle.inference import tiling
from faststyle.inference.options import StylizeOptions
from faststyle.networks import Mixer, streaming
from faststyle.pictures import files
from faststyle.pictures.arrays import Photos, to_batch
from faststyle.pictures.picture import Picture
from faststyle.pictures.pixels import quantize, scaled_size, to_luma, to_unit

_DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}
#: Files that people name after the style; checkpoints of training are all called alike.
_STYLES = (".safetensors", ".pth", ".model", ".onnx")
PRECISIONS = ("auto", *_DTYPES)
_AS_THEY_ARE = StylizeOptions()


class Stylizer:
    """A trained style, ready to be applied to photos.

    >>> stylizer = Stylizer.load("starry_night")
    >>> stylized = stylizer(photo)  # Pillow, NumPy or torch; the same out

    Of a file of several styles, any mixture is one:

    >>> stylizer = Stylizer.load("gallery", mix={"starry_night": 0.6, "the_scream": 0.4})
    >>> stylizer.mix({"udnie": 1}, stroke=1.5)

    Args:
        style: what :func:`faststyle.checkpoints.load_style` or ``read_onnx`` returned; ONNX Runtime
            computes in float32 on the CPU, whatever the next two say.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto`` (an accelerator if there is one).
        precision: ``32``, ``bf16`` or ``16``: what convolutions compute in; ``auto`` is ``bf16`` on
            a CPU that has it (twice as fast, less than a gray level off in the mean), else ``32``,
            as for results of 16 bits.
        mix: which of several styles, or what mixture of them.
        stroke: how large the strokes are, 1 being usual; for a file of several styles.

    Raises:
        UserError: an unknown precision or a device that this machine lacks; a mixture or strokes
            that the file does not hold (:mod:`faststyle.checkpoints.mixture`).
    """

    def __init__(
        self,
        style: TrainedStyle | OnnxStyle,
        device: str = "auto",
        precision: str = "32",
        mix: Mix = MappingProxyType({}),
        stroke: float = 1.0,
    ) -> None:
        if precision not in PRECISIONS:
            raise UserError(f'unknown precision "{precision}": {nearest(precision, PRECISIONS)}')
        self.device = find_device(device)
        self.dtype = _dtype(precision, self.device)
        self._may_choose = precision == "auto"
        chosen: TrainedStyle | OnnxStyle = style
        if isinstance(style, TrainedStyle):
            chosen = choose(style, mix, stroke)
        else:
            check_single(style.metadata, mix, stroke)
        self.metadata = chosen.metadata
        #: What results are called by: the style's file, else what is known of the style.
        self.name = str(self.metadata.name)
        network: nn.Module = chosen.network.to(self.device)
        self.network = network.to(memory_format=torch.channels_last)
        #: What the file says, of several styles about all of them.
        self.of_file = style.metadata
        self._mixer = Mixer(style.network, self.network) if chosen is not style else None
        self._shares = shares_of(self.of_file, mix, stroke) if chosen is not style else None

    @classmethod
    def load(cls, style: str | Path, mix: Mix | None = None, **options: Any) -> "Stylizer":
        """Load a style by its name in the catalog, or from its file.

        Args:
            style: what :func:`faststyle.checkpoints.find_style` takes: ``gallery:starry_night``,
                too.
            mix: of a file of several styles, in place of what ``style`` says.
            options: as for the class.

        Raises:
            UserError: there is none; or as the class.
        """
        found = find_style(str(style))
        read = read_onnx if found.path.suffix == ".onnx" else load_style
        stylizer = cls(read(found.path), mix=found.mix if mix is None else mix, **options)
        if found.path.suffix in _STYLES and not stylizer.of_file.styles:
            stylizer.name = StyleMetadata(found.path.stem).name
        return stylizer

    def mix(self, mix: Mix, stroke: float = 1.0) -> None:
        """Change the mixture of styles, at once. Raises ``UserError`` as the class does."""
        self.move(mix, stroke)(1.0)
        self.metadata = facts_of(self.of_file, mix)
        self.name = str(self.metadata.name)

    def move(self, mix: Mix, stroke: float = 1.0) -> Callable[[float], None]:
        """What moves the mixture from what it is now (0) to another (1), by any part of the way.

        Raises ``UserError`` as the class does.
        """
        start, mixer = self._shares, self._mixer
        if start is None or mixer is None:
            raise UserError(f"{self.name} is a file of one style: it has no others to mix it with")
        end = shares_of(self.of_file, mix, stroke)

        def move(part: float) -> None:
            self._shares = torch.lerp(start, end, part)
            mixer.mix(self._shares)

        return move

    def __call__(
        self, photos: Photos, strength: float = 1.0, preserve_color: bool = False
    ) -> Photos:
        """Stylize a photo, or a batch of one size.

        Args:
            photos: a tensor (N, 3, H, W) or (3, H, W), an array (N, H, W, 3) or (H, W, 3), RGB,
                float in [0, 1] or uint8; or a Pillow image.
            strength: see :class:`StylizeOptions`.
            preserve_color: see :class:`StylizeOptions`.

        Returns:
            The same form, shape, dtype and device as ``photos``.

        Raises:
            UserError: a strength outside 0..1, too little memory.
            ValueError: another shape than stated.
            TypeError: none of these forms.
        """
        options = StylizeOptions(strength=strength, preserve_color=preserve_color)
        batch, back = to_batch(photos)
        result: Photos = back(self._stylize(batch, self.dtype, options))
        return result

    def stylize(
        self,
        pictures: Sequence[Picture],
        options: StylizeOptions = _AS_THEY_ARE,
        progress: tiling.Progress = lambda *_: None,
        overwrite: bool = False,
    ) -> list[Picture]:
        """Stylize decoded pictures of one size together, keeping alpha and ICC profiles.

        Args:
            pictures: as :func:`faststyle.pictures.files.load_picture` gives them, all of the same
                size.
            options: how.
            progress: called with the number of strips done and of all, if ``options.tile`` makes
                any.
            overwrite: let strips take the place of the pixels they were made from, which saves the
                memory of a picture.

        Returns:
            Pictures of the same type of pixels as they came in; floats for
                ``options.bit_depth=16``.

        Raises:
            UserError: a picture that is too large, too little memory, or ``options.tile`` for a
                network that needs whole pictures.
        """
        size = _size_of_result(pictures[0], options)
        rows = self._rows(options.tile, size, len(pictures))
        limit = options.max_pixels or (files.MAX_PIXELS if rows else tiling.MAX_PIXELS)
        _check_pixels(size, limit)
        pictures = [
            options.scale(picture.with_depth(options.bit_depth).without_hidden())
            for picture in pictures
        ]
        dtype = self._dtype_for(pictures)
        if rows:
            stylized = [
                self._in_strips(picture.pixels, rows, dtype, options, progress, overwrite)
                for picture in pictures
            ]
        else:
            batch = torch.stack([to_unit(picture.pixels) for picture in pictures])
            stylized = list(self._stylize(batch, dtype, options))
        return [
            replace(p, pixels=_as_before(s, p.pixels))
            for p, s in zip(pictures, stylized, strict=True)
        ]

    def _dtype_for(self, pictures: Sequence[Picture]) -> torch.dtype:
        """What to compute these in: bf16 has no more than 8 bits."""
        is_deep = any(picture.bit_depth == 16 for picture in pictures)
        return torch.float32 if is_deep and self._may_choose else self.dtype

    def _stylize(self, batch: Tensor, dtype: torch.dtype, options: StylizeOptions) -> Tensor:
        """Photos (N, 3, H, W) in [0, 1] to the same shape, dtype and device."""
        with self._computing(dtype):
            x = batch.to(device=self.device, memory_format=torch.channels_last).float()
            stylized = self.network(x)
        return _blend(stylized, batch, options)

    def _rows(self, tile: int | str, size: tuple[int, int], count: int) -> int | None:
        rows = tiling.rows_at_once(tile, size, count, self.device)
        if rows is None or streaming.can_stream(self.network):
            return rows
        if tile == "auto":
            return None
        raise UserError(f"{self.name}: networks of this kind need whole pictures: tile=off")

    def _in_strips(
        self,
        pixels: Tensor,
        rows: int,
        dtype: torch.dtype,
        options: StylizeOptions,
        progress: tiling.Progress,
        overwrite: bool,
    ) -> Tensor:
        """Pixels (3, H, W) to the same shape and dtype."""
        result = pixels if overwrite else torch.empty_like(pixels)
        with self._computing(torch.float32):  # strips come in the dtype to compute in
            for strip, stylized in tiling.stylize_strips(
                self.network, pixels, rows, self.device, dtype, progress
            ):
                photo = to_unit(pixels[None, :, strip])
                result[:, strip] = _as_before(_blend(stylized, photo, options)[0], pixels)
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
            if not is_out_of_memory(error):
                raise
            raise UserError(
                "too little memory for so many pixels: use --tile, or a smaller --size or"
                " --batch-size"
            ) from None


def _dtype(precision: str, device: torch.device) -> torch.dtype:
    if precision == "auto":
        precision = "bf16" if device.type == "cpu" and cpu_has_bf16() else "32"
    return _DTYPES[precision]


def _size_of_result(picture: Picture, options: StylizeOptions) -> tuple[int, int]:
    if options.size is not None:
        return scaled_size(picture.pixels, options.size)
    height, width = picture.pixels.shape[-2:]
    return height, width


def _blend(stylized: Tensor, photos: Tensor, options: StylizeOptions) -> Tensor:
    """In the dtype and on the device of ``photos``, (N, 3, H, W) in [0, 1]."""
    stylized = stylized.to(photos).clamp_(0, 1)
    if options.preserve_color:
        stylized = _with_color_of(stylized, photos)
    return torch.lerp(photos, stylized, options.strength) if options.strength < 1 else stylized


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
            " pass --size or --tile, or raise --max-pixels if there is memory"
            f" ({tiling.BYTES_PER_PIXEL} bytes a pixel)"
        )
