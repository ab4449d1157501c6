"""How still stylized clips hold, measured on clips whose motion is known.

Lai et al. (2018) and Gao et al. (2018, ReCoNet) compare each stylized frame with the one before,
moved along by the optical flow: e_stab^2 is the mean of the squared difference where both show the
same. Here clips are made from a photo, so that the motion is known exactly.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

#: Maps frames of a clip, (1, 3, H, W) in [0, 1], one after another, to stylized ones.
Frames = Callable[[Iterator[Tensor]], Iterator[Tensor]]

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


@dataclass(frozen=True)
class Stability:
    """``e_stab`` of pictures in [0, 1], and the mean absolute difference in gray levels of 255."""

    e_stab: float
    gray_levels: float


def stability(stylize: Frames, photo: Tensor, motion: Motion) -> Stability:
    """How much stylized frames differ from those before, moved along.

    Args:
        stylize: maps the frames of a clip.
        photo: (1, 3, S, S) in [0, 1]; frames have three quarters of its side.
        motion: what the clip shows.
    """
    clip = list(_frames(photo, motion))
    stylized = list(stylize(frame for frame, _, _ in clip))
    squares, absolutes = [], []
    for index in range(1, len(clip)):
        grid, seen = _flow(clip[index - 1][1:], clip[index][1:])
        # Bicubic: what moves by parts of a pixel should not lose its detail on the way.
        moved = F.grid_sample(stylized[index - 1], grid, "bicubic", align_corners=False)
        difference = (stylized[index] - moved)[seen.expand_as(moved)]
        squares.append(difference.square().mean())
        absolutes.append(difference.abs().mean())
    e_stab = torch.stack(squares).mean().sqrt().item()
    return Stability(e_stab, 255 * torch.stack(absolutes).mean().item())


def _frames(photo: Tensor, motion: Motion) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Each frame, its camera (3 x 3, from frame to photo), and what of it the thing covers."""
    generator = torch.Generator().manual_seed(0)
    side = round(photo.shape[-1] * _PART)
    size = [1, 3, side, side]
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
        yield (frame + noise).clamp(0, 1), camera, covered


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


def _flow(before: tuple[Tensor, Tensor], now: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Where each pixel was in the frame before, (1, S, S, 2), and whether both show it."""
    (camera_before, covered_before), (camera, covered) = before, now
    grid = _grid(torch.linalg.inv(camera_before) @ camera, [1, 1, *covered.shape[2:]])
    # Not at the edge, where a bicubic look would see over it.
    inside = (grid.abs() < 1 - 4 / covered.shape[-1]).all(-1)[:, None]
    was_covered = F.grid_sample(covered_before.float(), grid, align_corners=False) > 0
    return grid, inside & ~covered & ~was_covered
