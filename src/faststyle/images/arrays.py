"""Conversion of tensors, arrays and Pillow images to the batches that networks take, and back."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faststyle.images.pillow import from_pil, to_pil, turn_upright
from faststyle.images.pixels import quantize, to_unit

#: Floats may leave [0, 1] by so much, as they do after resampling.
_ROUNDING = 0.05

#: Types that can be stylized; the result has the type of the photos.
Photos = TypeVar("Photos", Tensor, np.ndarray, Image.Image)


def to_batch(photos: Any) -> tuple[Tensor, Callable[[Tensor], Any]]:
    """Photos as (N, 3, H, W), float in [0, 1], and a function that gives a batch their type again.

    Args:
        photos: a tensor (N, 3, H, W) or (3, H, W), an array (N, H, W, 3) or (H, W, 3), float in
            [0, 1] or uint8; or a Pillow image, which is turned upright by its EXIF, and whose
            transparency is kept.

    Raises:
        ValueError: the shape, data type or range differs, or there are no pixels.
        TypeError: ``photos`` is of none of these types.
    """
    if isinstance(photos, Image.Image):
        return _from_pillow(photos)
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

    check_values(tensor, "photos")

    def back(stylized: Tensor) -> Any:
        result = stylized[0] if tensor.dim() == 3 else stylized
        if not tensor.is_floating_point():
            result = quantize(result)
        return result if channels == -3 else result.movedim(-3, -1).contiguous().numpy()

    batch = to_unit(tensor.movedim(channels, -3))
    return batch[None] if tensor.dim() == 3 else batch, back


def check_values(tensor: Tensor, name: str) -> None:
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


def _from_pillow(image: Image.Image) -> tuple[Tensor, Callable[[Tensor], Image.Image]]:
    picture = from_pil(turn_upright(image)).without_hidden()
    check_values(picture.pixels, "photos")

    def back(stylized: Tensor) -> Image.Image:
        result = to_pil(stylized[0])
        if picture.alpha is not None:
            result.putalpha(to_pil(picture.alpha))
        if picture.icc_profile is not None:
            result.info["icc_profile"] = picture.icc_profile
        return result

    return to_unit(picture.pixels)[None], back
