"""Animations: files of frames that follow one another <-> pictures with durations.

Pillow lays each frame over those before it, as the file says (disposal, blending): what is read
and written here are whole frames.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from faststyle.core.atomic import atomic_write
from faststyle.images.files import (
    MAX_PIXELS,
    USUAL_QUALITY,
    count_frames,
    decode_image,
    description,
    naming_damage,
    open_image,
)
from faststyle.images.formats import ANIMATED, COUNTED, WITH_QUALITY, check_fits, format_of
from faststyle.images.picture import Picture
from faststyle.images.pillow import from_pil, in_srgb, to_palette, with_alpha

#: The unit of durations in files, in milliseconds, and how many of them a frame may last.
_STEP = {
    "GIF": (10, 65_535),
    "WEBP": (1, 2**24 - 1),
    "PNG": (1, 65_535),
    "AVIF": (1, 2**31 - 1),
}
_MOST_PLAYS = 65_535


@dataclass
class Animation:
    """Whole frames of one size, and how they are shown.

    ``durations``: of each frame, in milliseconds. ``plays``: how often all are shown; 0 is for
    ever.
    """

    frames: list[Picture] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    plays: int = 0


def is_animation(path: Path) -> bool:
    """Whether a file is an animation that :func:`read_frames` reads whole.

    Raises ``UserError`` as :func:`faststyle.images.files.open_image`.
    """
    with open_image(path, max_pixels=sys.maxsize) as image:
        return image.format in ANIMATED and count_frames(path) - _first(image) > 1


def count_plays(path: Path) -> int:
    """How often an animation is shown; 0 is for ever, as AVIF is to Pillow.

    Raises ``UserError`` as above.
    """
    with open_image(path, max_pixels=sys.maxsize) as image:
        loop = image.info.get("loop")
        if image.format != "GIF":
            return int(loop or 0)
        # A GIF says how often it is shown again.
        return 1 if loop is None else loop and loop + 1


def read_frames(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[Picture, float]]:
    """The frames of an animation, uint8, and for how many milliseconds each is shown.

    A picture for programs that know no animation, which a PNG may have, is left out.

    Raises ``UserError`` as :func:`faststyle.images.files.load_picture_bytes`.
    """
    with open_image(path, max_pixels) as image:
        for number in range(_first(image), count_frames(path)):
            with naming_damage(path):
                image.seek(number)
            picture = from_pil(decode_image(image, path))
            yield picture, float(image.info.get("duration") or 0)


def save_animation(
    animation: Animation, path: Path, quality: int = USUAL_QUALITY, lossless: bool = False
) -> None:
    """Write an animation atomically, in the one of :data:`ANIMATED` that ``path`` is called by.

    Durations are rounded to the file's unit (GIF: 10 ms, others: 1 ms), so that the errors do not
    add up. Arguments and errors are those of :func:`faststyle.images.files.save_picture`.
    """
    form = format_of(path)
    first = animation.frames[0]
    check_fits(path, *first.pixels.shape[1:])
    frames = _alike(animation.frames)
    if form == "GIF":
        frames = [in_srgb(frame) for frame in frames]
    images = [to_palette(frame) if form == "GIF" else with_alpha(frame) for frame in frames]
    options: dict[str, Any] = {
        "duration": _in_steps(animation.durations, *_STEP[form]),
        **_plays(form, min(animation.plays, _MOST_PLAYS)),
        **description(form),
    }
    if form == "GIF" and frames[0].alpha is not None:
        # Or what is transparent would show the frame before; and each frame has to have a
        # transparent color, though it needs none, or Pillow clears it to another one.
        options |= {"disposal": 2, "optimize": False}
    if form in WITH_QUALITY:
        options |= {"lossless": True} if lossless and form == "WEBP" else {"quality": quality}
    if frames[0].icc_profile:
        options["icc_profile"] = frames[0].icc_profile
    with atomic_write(path) as temporary:
        images[0].save(temporary, form, save_all=True, append_images=images[1:], **options)


def _first(image: Image.Image) -> int:
    """The number of the first frame that belongs to an animation."""
    return int(getattr(image, "default_image", False))


def _alike(frames: Sequence[Picture]) -> Sequence[Picture]:
    """All with transparency, if one has some."""
    if all(frame.alpha is None for frame in frames):
        return frames
    opaque = torch.full((1, *frames[0].pixels.shape[1:]), 255, dtype=torch.uint8)
    return [replace(each, alpha=opaque) if each.alpha is None else each for each in frames]


def _in_steps(durations: Sequence[float], step: int, most: int) -> list[int]:
    ends = [round(end / step) for end in accumulate(durations)]
    return [min(end - start, most) * step for start, end in pairwise([0, *ends])]


def _plays(form: str, plays: int) -> dict[str, int]:
    if form not in COUNTED:
        return {}
    if form != "GIF":
        return {"loop": plays}
    return {} if plays == 1 else {"loop": max(0, plays - 1)}
