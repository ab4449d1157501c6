"""Stylizing all frames of an animated picture into a file that moves as it does."""

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from tqdm import tqdm

from faststyle.core.errors import UserError
from faststyle.files.jobs import Job
from faststyle.images.animation import Animation, read_frames, save_animation
from faststyle.images.files import USUAL_QUALITY
from faststyle.images.formats import format_of
from faststyle.images.picture import Picture
from faststyle.images.pixels import MAX_PIXELS
from faststyle.images.probe import probe
from faststyle.stylize.faces import keep_faces
from faststyle.stylize.image_processor import ImageProcessor
from faststyle.stylize.options import StylizeOptions


def is_animated(job: Job) -> bool:
    """Whether all frames of a picture go into its result: both are files of animations.

    Raises ``UserError`` if it cannot be read.
    """
    return format_of(job.target).timing is not None and probe(job.source).is_animated


def stylize_animation(
    stylizer: ImageProcessor,
    job: Job,
    first: Picture,
    options: StylizeOptions,
    check: Callable[[], object] = lambda: None,
) -> None:
    """Stylize each frame by itself; the result keeps durations, repetitions and transparency.

    Args:
        stylizer: what makes a picture of each frame.
        job: an animation for which :func:`is_animated` holds.
        first: its first frame as a picture, with masks, which are for all frames.
        options: how.
        check: called after each frame; nothing is written if it raises something.

    Raises:
        UserError: damage, or more pixels in all than memory is to hold.
        OSError: the result cannot be written.
    """
    if options.bit_depth == 16:
        raise UserError(f"--bit-depth 16 is for single pictures, and {job.source} is an animation")
    limit = max(MAX_PIXELS, options.max_pixels or 0)
    info = probe(job.source)
    count = info.frames
    height, width = (stylizer.factor * side for side in options.size_of(first))
    if count * height * width > limit:
        raise UserError(
            f"{job.source}: {count} frames of {width} x {height} are too many pixels to hold (over"
            f" {limit:,}); choose a smaller --size, or allow more by --max-pixels"
        )
    result = Animation(plays=info.plays)
    bar: tqdm[NoReturn]
    with tqdm(total=count, unit="frame", leave=False, delay=1) as bar:
        for frame, duration in read_frames(job.source, limit):
            protect_mask = keep_faces(frame.pixels) if options.protect == "faces" else None
            picture = replace(frame, masks=first.masks, protect_mask=protect_mask)
            result.frames += stylizer.stylize([picture], options)
            result.durations.append(duration)
            check()
            bar.update()
    quality = options.quality or USUAL_QUALITY
    save_animation(result, job.target, quality, options.lossless)
