"""One object that turns pictures into stylised pictures."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from faststyle import images
from faststyle.checkpoint import TrainedStyle, find_style, load_style
from faststyle.errors import UserError, nearest
from faststyle.hardware import cpu_has_bf16, find_device
from faststyle.images import Picture

_DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}
PRECISIONS = ("auto", *_DTYPES)
#: Memory grows with the picture: about 350 bytes a pixel for the default network in float32.
MAX_PIXELS = 16_000_000


class Stylizer:
    """A trained style, ready to be applied to photos.

    >>> stylizer = Stylizer.load("starry_night")
    >>> stylised = stylizer(photos)  # (N, 3, H, W) in [0, 1], the same out

    Args:
        style: what :func:`faststyle.checkpoint.load_style` returned.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto`` (an accelerator if there is one).
        precision: ``32``, ``bf16`` or ``16``: what convolutions compute in; ``auto`` is ``bf16`` on
            a CPU that has it (twice as fast, less than a grey level off in the mean), else ``32``.

    Raises:
        UserError: an unknown precision or a device that this machine lacks.
    """

    def __init__(self, style: TrainedStyle, device: str = "auto", precision: str = "32") -> None:
        if precision not in PRECISIONS:
            raise UserError(f'unknown precision "{precision}": {nearest(precision, PRECISIONS)}')
        self.name = style.name
        self.facts = style.facts
        self.device = find_device(device)
        self.dtype = _dtype(precision, self.device)
        network = style.network.to(self.device)
        self.network = network.to(memory_format=torch.channels_last)

    @classmethod
    def load(cls, style: str | Path, **options: Any) -> "Stylizer":
        """Load a style by its name (:mod:`faststyle.checkpoint.shelf`) or file. ``UserError``."""
        return cls(load_style(find_style(str(style))), **options)

    def __call__(
        self, photos: Tensor, strength: float = 1.0, preserve_color: bool = False
    ) -> Tensor:
        """Stylise a batch.

        Args:
            photos: (N, 3, H, W) or (3, H, W), float, RGB in [0, 1].
            strength: 0 leaves the photo as it is, 1 is the style alone, between is a blend.
            preserve_color: take brightness from the stylised picture and colour from the photo.

        Returns:
            The same shape, dtype and device as ``photos``, in [0, 1].

        Raises:
            UserError: a strength outside 0..1, too little memory.
            ValueError: another shape than stated.
        """
        if not 0 <= strength <= 1:
            raise UserError(f"strength is {strength}; it must lie between 0 and 1")
        if photos.dim() not in (3, 4) or photos.shape[-3] != 3:
            raise ValueError(f"photos must be (N, 3, H, W) or (3, H, W), not {tuple(photos.shape)}")
        batch = photos[None] if photos.dim() == 3 else photos
        stylised = self._run(batch).to(photos).clamp_(0, 1)
        if preserve_color:
            stylised = _with_colour_of(stylised, batch)
        if strength < 1:
            stylised = torch.lerp(batch, stylised, strength)
        return stylised.view_as(photos)

    def stylise(
        self,
        pictures: Sequence[Picture],
        size: int | None = None,
        strength: float = 1.0,
        preserve_color: bool = False,
        max_pixels: int = MAX_PIXELS,
    ) -> list[Picture]:
        """Stylise decoded pictures of one size together, keeping alpha and ICC profiles.

        Args:
            pictures: as :func:`faststyle.images.load` gives them, all of the same size.
            size: short side to scale to first; none keeps the size.
            strength: as in :meth:`__call__`.
            preserve_color: as in :meth:`__call__`.
            max_pixels: the largest picture that is tried, against running out of memory.

        Raises:
            UserError: a picture that is too large, and what :meth:`__call__` raises.
        """
        if size is not None:
            if size < 1:
                raise UserError(f"size is {size}; it must be at least 1 pixel")
            _check_pixels(images.scaled_size(pictures[0].pixels, size), max_pixels)
            pictures = [_resized(picture, size) for picture in pictures]
        height, width = pictures[0].pixels.shape[-2:]
        _check_pixels((height, width), max_pixels)
        batch = torch.stack([picture.pixels for picture in pictures])
        stylised = self(batch, strength, preserve_color)
        return [replace(p, pixels=s) for p, s in zip(pictures, stylised, strict=True)]

    @torch.no_grad()
    def _run(self, batch: Tensor) -> Tensor:
        x = batch.to(device=self.device, memory_format=torch.channels_last).float()
        reduced = self.dtype != torch.float32
        try:
            # Autocast keeps the weights and the sums of normalisation in float32.
            with torch.autocast(self.device.type, self.dtype, enabled=reduced):
                result: Tensor = self.network(x)
        except RuntimeError as error:
            if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(
                error
            ):
                raise
            raise UserError(
                f"too little memory for {batch.shape[-1]} x {batch.shape[-2]} pixels: use a smaller"
                " --size or --batch-size"
            ) from None
        return result


def _dtype(precision: str, device: torch.device) -> torch.dtype:
    if precision == "auto":
        precision = "bf16" if device.type == "cpu" and cpu_has_bf16() else "32"
    return _DTYPES[precision]


def _with_colour_of(stylised: Tensor, photos: Tensor) -> Tensor:
    """Shift each pixel of the photo along grey until it is as bright as the stylised one."""
    return (photos + images.luma(stylised - photos)).clamp_(0, 1)


def _check_pixels(size: tuple[int, int], limit: int) -> None:
    pixels = size[0] * size[1]
    if pixels > limit:
        raise UserError(
            f"{pixels / 1e6:.1f} megapixels are more than the limit of {limit / 1e6:.1f};"
            " pass --size, or raise --max-pixels if there is memory (350 bytes a pixel)"
        )


def _resized(picture: Picture, size: int) -> Picture:
    alpha = None if picture.alpha is None else images.resize(picture.alpha, size)
    return replace(picture, pixels=images.resize(picture.pixels, size), alpha=alpha)
