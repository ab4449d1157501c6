"""Arithmetic of masks, which say where a style goes.

255 (white) is there, 0 (black) is not, between is partly. Several are uint8 (R, H, W), of which a
later one lies over earlier ones.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from faststyle.images.arrays import blur
from faststyle.images.pixels import in_parts, quantize, to_unit


def feather(masks: Tensor, pixels: float) -> Tensor:
    """Masks whose edges are soft over about that many pixels, half of them on each side."""
    if not pixels:
        return masks
    # Of a Gaussian, 95 % lie within four deviations.
    return torch.stack([blur(mask, deviation=pixels / 4) for mask in masks])


def composite_alphas(masks: Tensor) -> Tensor:
    """How much of each mask is seen under those over it, (R, H, W); together at most 255.

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
    """The alpha by which neighboring regions are blended over those before them, (H, W), 0 to 1.

    ``seen`` is what :func:`composite_alphas` gave for all regions; it holds once the regions after
    those of the numbers in ``layer`` are blended in their turn.
    """
    left = 255 - seen[layer[-1] + 1 :].sum(0, dtype=torch.int16)
    return seen[layer[0] : layer[-1] + 1].sum(0) / left.clamp_(min=1)


def bounding_box(mask: Tensor, margin: int) -> tuple[slice, slice]:
    """Rows and columns of the rectangle around a mask (H, W), not all 0, and a margin."""
    return _span(mask.any(1), margin), _span(mask.any(0), margin)


def _span(is_there: Tensor, margin: int) -> slice:
    places = is_there.nonzero()
    return slice(max(0, int(places[0]) - margin), int(places[-1]) + 1 + margin)


def alpha_blend(picture: Tensor, other: Tensor, mask: Tensor) -> None:
    """Blend another picture into one, in place, by a mask (H, W), uint8 or float in [0, 1].

    Both are (3, H, W), uint8 or float in [0, 1]. Where the mask is 0 ``picture`` stays to the bit.
    """
    for part in in_parts(picture):
        below, above = to_unit(picture[:, part]), to_unit(other[:, part])
        blended = torch.lerp(below, above, to_unit(mask[part]).to(below))
        picture[:, part] = blended if picture.is_floating_point() else quantize(blended)
