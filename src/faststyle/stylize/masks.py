"""Masks: where a style goes. 255 (white) is there, 0 (black) is not, between is partly.

Several are uint8 (R, H, W), of which a later one lies over earlier ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.files import load_picture
from faststyle.images.picture import Picture
from faststyle.images.pixels import in_parts, quantize, resample, to_luma, to_unit

#: By which part the proportions of a mask may differ from its photo's, before it is taken for that
#: of another one, or for one that lies on its side.
_OTHER_SHAPE = 0.02
#: What is nearly black or white is so.
_NEARLY = 4 / 255


def everywhere(size: tuple[int, int]) -> Tensor:
    """The mask (1, H, W) of a style that goes everywhere."""
    return torch.full((1, *size), 255, dtype=torch.uint8)


def mask_of(pixels: Tensor, alpha: Tensor | None) -> Tensor:
    """What a picture (3, H, W) in [0, 1] is as a mask (1, H, W): how bright it is.

    What is transparent by its alpha (1, H, W) is black. So is what is nearly black, since JPEG and
    clips know no other black; likewise white.
    """
    bright = to_luma(pixels[None])[0]
    bright = bright if alpha is None else bright * alpha
    return quantize((bright - _NEARLY) / (1 - 2 * _NEARLY))


def read_mask(path: Path) -> Tensor:
    """The mask in a file of a picture. Raises ``UserError`` if it is none that can be read."""
    picture = load_picture(path)
    return mask_of(picture.pixels, picture.alpha)


def fit_mask(mask: Tensor, size: tuple[int, int], name: str) -> Tensor:
    """A mask (1, H, W), scaled to a height and width. Raises ``UserError`` for another shape."""
    height, width = mask.shape[1:]
    rounding = 1 / min(height, width, *size)
    ratio = height * size[1] / (width * size[0])
    if max(ratio, 1 / ratio) - 1 > _OTHER_SHAPE + rounding:
        raise UserError(
            f"the mask {name} has {width} x {height} pixels and the photo {size[1]} x {size[0]}:"
            " that is another shape"
        )
    return resample(mask, size)


def feather(masks: Tensor, pixels: float) -> Tensor:
    """Masks whose edges are soft over about that many pixels, half of them on each side."""
    if not pixels:
        return masks
    blur = ImageFilter.GaussianBlur(pixels / 4)  # of a Gaussian, 95 % lie within four deviations
    soft = [np.array(Image.fromarray(mask.numpy()).filter(blur)) for mask in masks]
    return torch.from_numpy(np.stack(soft))


def composite_alphas(masks: Tensor) -> Tensor:
    """What can be seen of each mask under those that lie over it; together at most 255.

    A mask has what those over it leave, up to its own share. So where the soft edges of two meet,
    of which each is what the other is not, no photo shines through.
    """
    if len(masks) == 1:
        return masks
    seen = torch.empty_like(masks)
    left = torch.full_like(masks[0], 255)
    for number in reversed(range(len(masks))):
        torch.minimum(masks[number], left, out=seen[number])
        left -= seen[number]
    return seen


def opacity(seen: Tensor, layer: Sequence[int]) -> Tensor:
    """How opaque to lay some neighbors of regions over those before them, float (H, W), 0 to 1.

    Once the regions after them are laid over them in turn, of each is seen what ``seen``, as
    :func:`composite_alphas` gives it, says.
    """
    left = 255 - seen[layer[-1] + 1 :].sum(0, dtype=torch.int16)
    return seen[layer[0] : layer[-1] + 1].sum(0) / left.clamp_(min=1)


def bounding_box(mask: Tensor, margin: int) -> tuple[slice, slice]:
    """Rows and columns of the rectangle in which a mask (H, W), not all 0, is, and more around."""
    return _around(mask.any(1), margin), _around(mask.any(0), margin)


def _around(is_there: Tensor, margin: int) -> slice:
    places = is_there.nonzero()
    return slice(max(0, int(places[0]) - margin), int(places[-1]) + 1 + margin)


def alpha_blend(picture: Tensor, other: Tensor, mask: Tensor) -> None:
    """Lay another picture over one, in place, where a mask (H, W) is.

    Args:
        picture: (3, H, W), uint8 or float in [0, 1]; where the mask is 0 it stays to the bit.
        other: of the same type.
        mask: (H, W), uint8 or float in [0, 1].
    """
    for part in in_parts(picture):
        below, above = to_unit(picture[:, part]), to_unit(other[:, part])
        laid = torch.lerp(below, above, to_unit(mask[part]).to(below))
        picture[:, part] = laid if picture.is_floating_point() else quantize(laid)


def restore_protected(photo: Picture, pixels: Tensor) -> Picture:
    """The photo with other pixels, but for those that are to stay; these are overwritten."""
    if photo.protect_mask is not None:
        alpha_blend(pixels, photo.pixels, photo.protect_mask[0])
    return replace(photo, pixels=pixels, masks=None, protect_mask=None)


def overlap(masks: Tensor) -> bool:
    """Whether some pixel is rather in two masks than not."""
    return bool(((masks > 127).sum(0, dtype=torch.uint8) > 1).any())


def leave_gaps(masks: Tensor) -> bool:
    """Whether some pixel is in none of the masks."""
    return not bool(masks.any(0).all())
