"""From what a network made of a photo to the result: colors and strength."""

import torch
from torch import Tensor

from faststyle.images.pixels import in_parts, quantize, to_unit
from faststyle.stylize.color import recolor_of
from faststyle.stylize.options import StylizeOptions


def blend(
    painted: Tensor, photo: Tensor, options: StylizeOptions, weights: Tensor | None = None
) -> Tensor:
    """A painted picture with the colors and the strength that ``options`` ask for.

    Args:
        painted: (3, H, W), uint8 or float, which may leave [0, 1] a little.
        photo: (3, H, W), uint8 or float in [0, 1].
        options: how.
        weights: how much pixels count in the statistics of colors, uint8 (H, W), not all 0; none
            if all count alike.

    Returns:
        In the type and on the device of ``photo``.
    """
    painted = painted.to(photo.device)
    if painted.is_floating_point():
        painted = painted.to(photo if photo.is_floating_point() else torch.float32).clamp_(0, 1)
    recolor = recolor_of(options.color, painted, photo, weights)
    result = torch.empty_like(photo)
    for part in in_parts(photo):
        before = to_unit(photo[None, :, part])
        after = recolor(to_unit(painted[None, :, part]), before)
        if options.strength != 1:
            after = torch.lerp(before, after, options.strength).clamp_(0, 1)
        result[:, part] = (after if photo.is_floating_point() else quantize(after))[0]
    return result
