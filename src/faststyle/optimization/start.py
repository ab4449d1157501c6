"""Where the descent starts: from which picture, and at which sizes on the way."""

from pathlib import Path

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.files import load_picture
from faststyle.images.pixels import resample

#: Larger pictures are optimized from coarse to fine, where nothing else is asked for.
COARSE_SIDE = 512


def starting_picture(
    start: str, noise: float, photo: Tensor | None, size: tuple[int, int], seed: int
) -> Tensor:
    """The picture to start from.

    Args:
        start: ``content``, ``noise``, or the path of a picture, which is scaled to ``size``.
        noise: the share of uniform noise that is mixed in, from 0 to 1.
        photo: the content (3, H, W), if there is one.
        size: height and width of the result.
        seed: of the noise.

    Returns:
        (3, height, width) in [0, 1].

    Raises:
        UserError: a share outside 0..1, no content to start from, a picture that cannot be read.
    """
    if not isinstance(noise, int | float) or not 0 <= noise <= 1:
        raise UserError(f"noise={noise} must be a number from 0 to 1")
    uniform = torch.rand((3, *size), generator=torch.Generator().manual_seed(seed))
    if start == "noise":
        return uniform
    if start != "content":
        picture = resample(load_picture(Path(start).expanduser()).pixels, size)
    elif photo is None:
        raise UserError("there is no content to start from: pass content=photo.jpg or start=noise")
    else:
        picture = resample(photo, size)
    return torch.lerp(picture, uniform, float(noise))


def sizes(size: tuple[int, int], coarse_to_fine: bool | str) -> list[tuple[int, int]]:
    """Heights and widths to optimize at, one after another; the last is ``size``.

    Each is half of the next, down to a longer side of :data:`COARSE_SIDE` at most (Gatys et al.,
    2017, section 6): strokes are laid out where the encoder's receptive field sees them whole.

    Args:
        size: height and width of the result.
        coarse_to_fine: true, false, or ``auto``: for pictures above :data:`COARSE_SIDE`. True
            gives a smaller picture one coarse size too.
    """
    if coarse_to_fine not in (True, False, "auto"):
        raise UserError(f"coarse_to_fine={coarse_to_fine}: choose true, false or auto")
    found = [size]
    while coarse_to_fine and max(found[0]) > COARSE_SIDE:
        found.insert(0, _half(found[0]))
    if coarse_to_fine is True and len(found) == 1:
        found.insert(0, _half(size))
    return found


def _half(size: tuple[int, int]) -> tuple[int, int]:
    return max(1, round(size[0] / 2)), max(1, round(size[1] / 2))
