"""How still stylized clips hold, measured on clips whose motion is known.

Lai et al. (2018) and Gao et al. (2018, ReCoNet) compare each stylized frame with the one before,
moved along by the optical flow: e_stab^2 is the mean of the squared difference where both show the
same. Here clips are made from a photo, so that the motion is known exactly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_FRAMES = 8
#: Side of a frame as a part of the photo's, so that the camera has room to move.
_PART = 0.75
_NOISE = 2 / 255
_THING = 0.25  # side of what moves in front, as a part of the frame's


@dataclass(frozen=True)
class Motion:
    """How a camera, and a thing before it, move; the unit is half of a frame's side.

    Args:
        shift: of the camera from frame to frame, to the right.
        zoom: by which it comes nearer from frame to frame.
        shake: the standard deviation of its place, and of its turn in radians, by hand.
        thing: how far something in front moves from frame to frame, 0 without.
    """

    shift: float = 0.0
    zoom: float = 0.0
    shake: float = 0.0
    thing: float = 0.0


#: What clips show, by name; each has a camera's noise of two gray levels besides.
MOTIONS = {
    "standing": Motion(),
    "pan": Motion(shift=2 / 128),
    "zoom": Motion(zoom=0.01),
    "by hand": Motion(shake=1.5 / 128),
    "thing in front": Motion(thing=6 / 128),
}


class Frame(NamedTuple):
    """A frame (1, 3, S, S) in [0, 1], its camera (3 x 3, from frame to photo), the thing's place.

    ``covered``: (1, 1, S, S) of bool.
    """

    pixels: Tensor
    camera: Tensor
    covered: Tensor


def make_clip(photo: Tensor, motion: Motion) -> list[Frame]:
    """A clip of a photo (1, 3, S, S) in [0, 1]; frames have three quarters of its side."""
    generator = torch.Generator().manual_seed(0)
    side = round(photo.shape[-1] * _PART)
    size = [1, 3, side, side]
    clip = []
    for number in range(_FRAMES):
        camera = _camera(motion, number, generator)
        frame = F.grid_sample(photo, _grid(camera, size), "bicubic", align_corners=False)
        covered = torch.zeros(1, 1, side, side, dtype=torch.bool)
        if motion.thing:
            left = round(side * (0.1 + motion.thing * number / 2))
            wide = round(side * _THING)
            covered[..., wide : 2 * wide, left : left + wide] = True
            frame = torch.where(covered, 1 - frame.flip(-1), frame)
        noise = torch.randn(size, generator=generator) * _NOISE
        clip.append(Frame((frame + noise).clamp(0, 1), camera, covered))
    return clip


def stability(clip: Sequence[Frame], stylized: Sequence[Tensor]) -> dict[str, float]:
    """How much ``stylized`` frames (1, 3, S, S) of a clip differ from those before, moved along.

    ``e_stab`` is of pictures in [0, 1], ``gray_levels`` the mean absolute difference, of 255.
    """
    squares, absolutes = [], []
    for index in range(1, len(clip)):
        grid, seen = _flow(clip[index - 1], clip[index])
        # Bicubic: what moves by parts of a pixel should not lose its detail on the way.
        moved = F.grid_sample(stylized[index - 1], grid, "bicubic", align_corners=False)
        difference = (stylized[index] - moved)[seen.expand_as(moved)]
        squares.append(difference.square().mean())
        absolutes.append(difference.abs().mean())
    e_stab = torch.stack(squares).mean().sqrt().item()
    return {"e_stab": e_stab, "gray_levels": 255 * torch.stack(absolutes).mean().item()}


def _camera(motion: Motion, number: int, generator: torch.Generator) -> Tensor:
    right, down, turn = (torch.randn(3, generator=generator) * motion.shake).tolist()
    right += motion.shift * (number - (_FRAMES - 1) / 2)
    scale = _PART * (1 - motion.zoom) ** number
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    return torch.tensor(
        [[cosine, -sine, _PART * right], [sine, cosine, _PART * down], [0.0, 0.0, 1.0]]
    )


def _grid(camera: Tensor, size: list[int]) -> Tensor:
    return F.affine_grid(camera[None, :2], size, align_corners=False)


def _flow(before: Frame, now: Frame) -> tuple[Tensor, Tensor]:
    """Where each pixel was in the frame before, (1, S, S, 2), and whether both show it."""
    side = now.covered.shape[-1]
    grid = _grid(torch.linalg.inv(before.camera) @ now.camera, [1, 1, side, side])
    # Not at the edge, where a bicubic look would see over it.
    inside = (grid.abs() < 1 - 4 / side).all(-1)[:, None]
    was_covered = F.grid_sample(before.covered.float(), grid, align_corners=False) > 0
    return grid, inside & ~now.covered & ~was_covered
