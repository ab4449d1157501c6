"""Stylizing clips: decoding, stylizing and encoding go on side by side."""

import math
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor
from tqdm import tqdm

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError, problem
from faststyle.core.interrupts import Interrupts, catch_interrupts
from faststyle.files.jobs import Job
from faststyle.images.picture import Picture
from faststyle.images.pixels import to_unit
from faststyle.stylize.image_processor import ImageProcessor
from faststyle.stylize.masks import feather
from faststyle.stylize.options import StylizeOptions
from faststyle.stylize.upscale_pipeline import StylizeThenUpscale
from faststyle.video.frames import Frame
from faststyle.video.mask_tracks import MaskTracks, open_masks
from faststyle.video.prefetch import prefetch
from faststyle.video.reader import Clip, Item, quiet
from faststyle.video.temporal_filter import TemporalFilter
from faststyle.video.writer import Writer

_AS_USUAL = StylizeOptions()

if TYPE_CHECKING:
    from faststyle.video.canvas import Canvas

#: Called with the part of a clip, 0 to 1, that has gone by.
Move = Callable[[float], None]


def stylize_clips(
    stylizer: ImageProcessor, jobs: Sequence[Job], options: StylizeOptions, move: Move | None = None
) -> int:
    """Stylize every clip; one that cannot be read does not stop the rest.

    Args:
        stylizer: what makes a picture of each frame.
        jobs: the clips and where their stylized versions go.
        options: as for pictures; ``batch_size`` means nothing here.
        move: called before each frame; see :meth:`Stylizer.move`.

    Returns:
        How many clips failed or were damaged; each was named on standard error.

    Raises:
        KeyboardInterrupt: when interrupted; what was stylized until then is a whole clip.
    """
    failed = 0
    with catch_interrupts("frame") as interrupts:
        for job in jobs:
            interrupts.check()
            try:
                with quiet():
                    damage = _stylize(stylizer, job, options, interrupts, move)
                print(job.target)  # noqa: T201
            except Exception as error:  # whatever one clip brings about, others may follow
                damage = problem(error)
            if damage:
                failed += 1
                named = damage.removeprefix(f"{job.source} ").removeprefix(f"{job.source}: ")
                print(f"error: {job.source}: {named}", file=sys.stderr)  # noqa: T201
    return failed


def _stylize(
    stylizer: ImageProcessor,
    job: Job,
    options: StylizeOptions,
    interrupts: Interrupts,
    move: Move | None,
) -> str:
    """Stylize one clip; returns what is wrong with it, or nothing."""
    bar: tqdm[NoReturn]
    with (
        Clip(job.source, options.start, options.end, options.bit_depth == 10) as clip,
        open_masks(job.masks, options.start, options.end) as masks,
        atomic_write(job.target) as temporary,
    ):
        if move and not clip.seconds:
            raise UserError("it does not say how long it is, so there is no moving to its end")
        moved = (lambda frame: move(clip.part(frame))) if move else _stay
        frames = prefetch(iter(clip))
        stylized = prefetch(_stylized(stylizer, frames, options, clip, masks, moved))
        last = 0.0
        with (
            Writer(temporary, clip, options.quality) as writer,
            closing(stylized),
            tqdm(total=clip.frame_count, unit="frame", desc=job.source.name) as bar,
        ):
            for item in stylized:
                writer.write(item)
                if isinstance(item, Frame):
                    last = float(item.time * clip.time_base)
                    bar.update()
                if interrupts.received:
                    break
        if not bar.n:
            interrupts.check()
            raise UserError("it has no frames to stylize")
        notes = (*clip.notes, *masks.notes, *writer.notes)
    for note in notes:
        print(f"{job.target}: {note}", file=sys.stderr)  # noqa: T201
    if interrupts.received:
        print(f"{job.target} holds the first {last:.1f} s", file=sys.stderr)  # noqa: T201
        raise KeyboardInterrupt
    if clip.is_damaged:
        read = f"up to {last:.1f} of {clip.seconds:.1f} s"
        read += f" but for {clip.lost:.1f} s" if clip.lost else ""
        return f"damaged; {job.target} has what could be read, {read}"
    return ""


def _stay(_: Frame) -> None:
    """The style is the same for all frames."""


def _stylized(
    stylizer: ImageProcessor,
    items: Generator[Item, None, None],
    options: StylizeOptions,
    clip: Clip,
    masks: MaskTracks,
    before_each: Callable[[Frame], None],
) -> Generator[Item, None, None]:
    """The same items of a clip, with stylized frames."""
    enlarged = stylizer if isinstance(stylizer, StylizeThenUpscale) else None
    if enlarged:  # frames lie still at the size that they are painted at
        stylizer = enlarged.painter
    steady = _steady(stylizer, options, float(clip.rate))
    at_size = replace(options, size=None, feather=0.0, bit_depth=None)
    with closing(items), _noise_back(stylizer):
        for item in items:
            if not isinstance(item, Frame):
                yield item
                continue
            before_each(item)
            alpha = None if item.alpha is None else to_unit(item.alpha)
            size = (item.pixels.shape[1], item.pixels.shape[2])
            places = masks.at(float(item.time * clip.time_base), size)
            bits = 16 if clip.is_deep else 8
            photo = Picture(to_unit(item.pixels), alpha, bit_depth=bits, masks=places)
            frame = options.scale(photo)
            if frame.masks is not None:
                frame = replace(frame, masks=feather(frame.masks, options.feather))
            if enlarged:
                enlarged.enlarger.check(frame.pixels.shape[1], frame.pixels.shape[2], options)
            picture = paint_frame(stylizer, frame.without_hidden(), at_size, steady)
            pixels = picture.pixels
            if frame.masks is not None:  # where no style goes, nothing is smoothed either
                pixels = torch.where(frame.masks.amax(0) > 0, pixels, frame.pixels)
            if enlarged:
                [picture] = enlarged.enlarge([replace(picture, pixels=pixels)], options)
                pixels = picture.pixels
            yield replace(item, pixels=pixels, alpha=picture.alpha)


def stylize_frames(
    stylizer: ImageProcessor,
    frames: Iterable[Picture],
    rate: float,
    options: StylizeOptions = _AS_USUAL,
) -> Iterator[Tensor]:
    """The stylized pixels (3, H, W) of frames of one size, ``rate`` of them a second."""
    steady = _steady(stylizer, options, rate)
    with _noise_back(stylizer):
        for frame in frames:
            yield paint_frame(stylizer, frame.without_hidden(), options, steady).pixels


def _steady(
    stylizer: ImageProcessor, options: StylizeOptions, rate: float
) -> "Canvas | TemporalFilter":
    keep = math.exp(-1 / (options.smooth * rate)) if options.smooth else 0.0
    # What enlarges makes no strokes, which would have to lie still.
    canvas = _canvas() if keep and stylizer.factor == 1 else None
    return TemporalFilter(keep) if canvas is None else canvas(keep)


@cache
def _canvas() -> "type[Canvas] | None":
    try:
        from faststyle.video.canvas import Canvas
    except ImportError as error:  # on servers it may lack libraries of the system
        print(  # noqa: T201
            f"a moving camera is not followed, since OpenCV cannot be used: {error};"
            ' pip install "faststyle[video]", or opencv-python-headless in place of opencv-python',
            file=sys.stderr,
        )
        return None
    return Canvas


def paint_frame(
    stylizer: ImageProcessor,
    frame: Picture,
    options: StylizeOptions,
    steady: "Canvas | TemporalFilter",
) -> Picture:
    """The next frame of a clip or a camera, stylized; ``steady`` knows those before."""
    photo = replace(frame, pixels=steady.photo(frame.pixels))
    if isinstance(steady, TemporalFilter):
        [picture] = stylizer.stylize([photo], options)
        return replace(picture, pixels=steady.stylized(picture.pixels))
    masks = None if frame.masks is None else steady.lay(frame.masks)
    stylizer.place_noise(*steady.corner)
    laid = Picture(photo.pixels, bit_depth=frame.bit_depth, masks=masks)
    [picture] = stylizer.stylize([laid], options)
    return replace(frame, pixels=steady.stylized(picture.pixels))


@contextmanager
def _noise_back(stylizer: ImageProcessor) -> Iterator[None]:
    """For the next clip the noise lies as for all pictures."""
    try:
        yield
    finally:
        stylizer.place_noise(0, 0)
