"""Animations: reading and writing files of several frames, with durations.

Pillow composes each frame with those before it (disposal, blending), so frames are whole here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from pathlib import Path

import torch

from faststyle.core.atomic import atomic_write
from faststyle.images.files import (
    USUAL_QUALITY,
    decode_image,
    naming_damage,
    save_options,
    to_image,
)
from faststyle.images.formats import Timing, check_fits, format_of
from faststyle.images.picture import Picture
from faststyle.images.pillow import from_pil
from faststyle.images.pixels import MAX_PIXELS
from faststyle.images.probe import open_image

_MOST_PLAYS = 65_535


@dataclass
class Animation:
    """Whole frames of one size, and how they are shown.

    Args:
        frames: at least one.
        durations: how long each frame is shown, in milliseconds.
        plays: how often the animation is shown; 0 is for ever.
    """

    frames: list[Picture] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    plays: int = 0


def read_frames(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[Picture, float]]:
    """Read the frames of an animation, uint8, each with its duration in milliseconds.

    The still picture that a PNG may hold for programs without animation is left out.

    Raises:
        UserError: the file cannot be opened, or a frame is damaged.
    """
    with open_image(path, max_pixels) as opened:
        for number in range(opened.info.first_frame, opened.info.frames):
            with naming_damage(path):
                opened.image.seek(number)
            picture = from_pil(decode_image(opened))
            yield picture, float(opened.image.info.get("duration") or 0)


def save_animation(
    animation: Animation, path: Path, quality: int = USUAL_QUALITY, lossless: bool = False
) -> None:
    """Write an animation atomically in the format that the suffix of ``path`` names.

    Durations are rounded to the format's unit, so that the errors do not add up. Arguments and
    errors are those of :func:`faststyle.images.files.save_picture`.

    Raises:
        ValueError: the format has no animations.
    """
    row = format_of(path)
    if row.timing is None:
        raise ValueError(f"{row} has no animations")
    check_fits(path, *animation.frames[0].pixels.shape[1:])
    frames = _alike(animation.frames)
    first, *more = (to_image(frame, row) for frame in frames)
    options = save_options(frames[0], row, quality, lossless)
    options["duration"] = _in_steps(animation.durations, row.timing)
    plays = min(animation.plays, _MOST_PLAYS)
    if row.timing.is_counted and plays != row.timing.uncounted:
        options["loop"] = max(0, plays - row.timing.uncounted)
    if row.palette and frames[0].alpha is not None:
        # Without disposal, transparent pixels would show the frame before. Without a transparent
        # color, which optimizing may remove, Pillow would clear a frame to another color.
        options |= {"disposal": 2, "optimize": False}
    with atomic_write(path) as temporary:
        first.save(temporary, row.name, save_all=True, append_images=more, **options)


def _alike(frames: Sequence[Picture]) -> Sequence[Picture]:
    """Frames that all have transparency, if one has."""
    if all(frame.alpha is None for frame in frames):
        return frames
    opaque = torch.full((1, *frames[0].pixels.shape[1:]), 255, dtype=torch.uint8)
    return [replace(each, alpha=opaque) if each.alpha is None else each for each in frames]


def _in_steps(durations: Sequence[float], timing: Timing) -> list[int]:
    ends = [round(end / timing.unit) for end in accumulate(durations)]
    steps = (end - start for start, end in pairwise([0, *ends]))
    return [min(step, timing.longest) * timing.unit for step in steps]
