"""Conversion of tensors, arrays and Pillow images to pictures and masks, and back."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from faststyle.images.pillow import from_pil, turn_upright, with_alpha
from faststyle.images.pixels import Picture, quantize, to_luma, to_unit

#: Floats may leave [0, 1] by so much, as they do after resampling.
_ROUNDING = 0.05
#: What is nearly black or white in the picture of a mask is so.
_NEARLY = 4 / 255

#: Types that can be stylized; the result has the type of the photos.
Photos = TypeVar("Photos", Tensor, np.ndarray, Image.Image)


def to_pictures(photos: Any) -> tuple[list[Picture], Callable[[Sequence[Picture]], Any]]:
    """Photos as pictures of one size, and a function that gives pictures the photos' type again.

    Args:
        photos: a tensor (N, 3, H, W) or (3, H, W), an array (N, H, W, 3) or (H, W, 3), float in
            [0, 1] or uint8; or a Pillow image, which is turned upright by its EXIF, and whose
            transparency and color profile are kept.

    Raises:
        ValueError: the shape, data type or range differs, or there are no pixels.
        TypeError: ``photos`` is of none of these types.
    """
    if isinstance(photos, Image.Image):
        picture = from_pil(turn_upright(photos))
        _check_values(picture.pixels, "photos")
        return [picture], lambda results: with_alpha(results[0])
    if isinstance(photos, np.ndarray):
        # torch cannot share arrays that are read-only or mirrored.
        channels, tensor = -1, torch.from_numpy(np.require(photos, requirements=["C", "W"]))
    elif isinstance(photos, Tensor):
        channels, tensor = -3, photos
    else:
        raise TypeError(f"photos must be a tensor, an array or a Pillow image, not {type(photos)}")
    if tensor.dim() not in (3, 4) or tensor.shape[channels] != 3:
        expected = "(N, H, W, 3) or (H, W, 3)" if channels == -1 else "(N, 3, H, W) or (3, H, W)"
        raise ValueError(f"photos must be {expected}, not {tuple(tensor.shape)}")
    _check_values(tensor, "photos")

    def back(results: Sequence[Picture]) -> Any:
        all_pixels = [result.pixels for result in results]
        pixels = all_pixels[0] if tensor.dim() == 3 else torch.stack(all_pixels)
        return pixels if channels == -3 else pixels.movedim(-3, -1).contiguous().numpy()

    batch = tensor.movedim(channels, -3)
    return [Picture(pixels) for pixels in (batch[None] if tensor.dim() == 3 else batch)], back


def to_mask(mask: Any, size: tuple[int, int]) -> Tensor:
    """A mask as uint8 (1, H, W), 255 being white.

    Args:
        mask: a tensor or array (H, W), float in [0, 1], uint8 or bool, or a Pillow image of any
            mode; none is white everywhere.
        size: height and width of the photo, which the mask must have.

    Raises:
        ValueError: another size or range.
    """
    if mask is None:
        return everywhere(size)
    if isinstance(mask, Image.Image):
        picture = from_pil(turn_upright(mask))
        alpha = None if picture.alpha is None else to_unit(picture.alpha)
        values = mask_of(to_unit(picture.pixels), alpha)[0]
    else:
        values = mask if isinstance(mask, Tensor) else torch.from_numpy(np.array(mask))
    if values.dtype == torch.bool:
        values = values.float()
    if values.shape != size:
        raise ValueError(f"the mask is {tuple(values.shape)} and the photo {size}")
    _check_values(values, "masks")
    return quantize(values.cpu())[None]


def mask_of(pixels: Tensor, alpha: Tensor | None) -> Tensor:
    """The mask, uint8 (1, H, W), that a picture (3, H, W) in [0, 1] is by its brightness.

    What is transparent by its alpha (1, H, W) is black. So is what is nearly black, since JPEG and
    clips know no other black; what is nearly white is white.
    """
    bright = to_luma(pixels[None])[0]
    bright = bright if alpha is None else bright * alpha
    return quantize((bright - _NEARLY) / (1 - 2 * _NEARLY))


def blur(mask: Tensor, deviation: float) -> Tensor:
    """A mask, uint8 (H, W), by a Gaussian of a standard deviation in pixels."""
    blurred = Image.fromarray(mask.numpy()).filter(ImageFilter.GaussianBlur(deviation))
    return torch.from_numpy(np.array(blurred))


def everywhere(size: tuple[int, int]) -> Tensor:
    """The mask (1, H, W) of a style that goes everywhere."""
    return torch.full((1, *size), 255, dtype=torch.uint8)


def _check_values(tensor: Tensor, name: str) -> None:
    """Raise ``ValueError`` unless there are values, uint8 or float in [0, 1] but for rounding."""
    if not tensor.numel():
        raise ValueError(f"{name} hold no pixels: {tuple(tensor.shape)}")
    if not tensor.is_floating_point():
        if tensor.dtype != torch.uint8:
            raise ValueError(f"{name} must be uint8 or float in [0, 1], not {tensor.dtype}")
        return
    low, high = (value.item() for value in torch.aminmax(tensor))
    if not -_ROUNDING <= low <= high <= 1 + _ROUNDING:  # not a number is in no range
        raise ValueError(f"{name} that are float must lie in [0, 1]; these reach {low} and {high}")
