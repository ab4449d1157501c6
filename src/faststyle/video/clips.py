"""Stylizing clips: decoding, stylizing and encoding go on side by side."""

import math
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import torch
from torch import Tensor
from tqdm import tqdm

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError, problem
from faststyle.core.interrupts import Interrupts, catch_interrupts
from faststyle.files.jobs import Job
from faststyle.files.options import WriteOptions
from faststyle.images.pixels import Picture
from faststyle.stylize.image_processor import ImageProcessor
from faststyle.stylize.masks import feather
from faststyle.stylize.options import DEFAULT_RENDER, RenderOptions
from faststyle.stylize.upscaler import StylizeThenUpscale
from faststyle.video.decoder import without_ffmpeg_log
from faststyle.video.frames import Frame
from faststyle.video.mask_tracks import MaskTracks, open_masks
from faststyle.video.options import ClipOptions
from faststyle.video.reader import Clip, Item
from faststyle.video.temporal_filter import TemporalFilter
from faststyle.video.writer import Writer

if TYPE_CHECKING:
    from faststyle.video.canvas import Canvas

T = TypeVar("T")
#: Called with the part of a clip, 0 to 1, that has gone by.
Move = Callable[[float], None]
#: Writes what becomes of a clip into a file; see :meth:`ClipPipeline.write_clip`.
WriteClip = Callable[[Job, Path, Interrupts], str]


@dataclass(frozen=True)
class ClipPipeline:
    """What is done with clips: which part is processed, how, and how it is written.

    ``move`` is called before each frame; see :meth:`faststyle.stylize.stylizer.Stylizer.move`.
    """

    processor: ImageProcessor
    render: RenderOptions = DEFAULT_RENDER
    write: WriteOptions = WriteOptions()  # noqa: RUF009  # cannot be changed
    clip: ClipOptions = ClipOptions()  # noqa: RUF009
    move: Move | None = None

    def write_clip(self, job: Job, temporary: Path, interrupts: Interrupts) -> str:
        """Stylize one clip into a file; returns what is wrong with it, or nothing.

        After an interrupt the file holds what was stylized until then.
        """
        with without_ffmpeg_log():
            return self._write(job, temporary, interrupts)

    def _write(self, job: Job, temporary: Path, interrupts: Interrupts) -> str:
        start, end = self.clip.start, self.clip.end
        keeps_metadata = self.write.metadata == "keep"
        bar: tqdm[NoReturn]
        with (
            Clip(job.source, start, end, self.write.bit_depth == 10) as clip,
            open_masks(job.masks, start, end) as masks,
        ):
            if self.move and not clip.seconds:
                raise UserError("it does not say how long it is, so there is no moving to its end")
            frames = prefetch(iter(clip))
            stylized = prefetch(self._stylized(frames, clip, masks))
            last = 0.0
            with (
                Writer(temporary, clip, self.write.quality, keeps_metadata) as writer,
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
            return ""
        if clip.is_damaged:
            read = f"up to {last:.1f} of {clip.seconds:.1f} s"
            read += f" but for {clip.damage.lost:.1f} s" if clip.damage.lost else ""
            return f"damaged; {job.target} has what could be read, {read}"
        return ""

    def _stylized(
        self, items: Generator[Item, None, None], clip: Clip, masks: MaskTracks
    ) -> Generator[Item, None, None]:
        """The same items of a clip, with stylized frames."""
        pipeline = self.processor if isinstance(self.processor, StylizeThenUpscale) else None
        # What stands still is found at the size that frames are stylized at.
        processor = pipeline.stylizer if pipeline else self.processor
        stabilizer = _stabilizer(processor, self.clip.smooth, float(clip.rate))
        at_size = replace(self.render, size=None, feather=0.0)
        with closing(items):
            for item in items:
                if not isinstance(item, Frame):
                    yield item
                    continue
                if self.move:
                    self.move(clip.part(item))
                frame = self._prepare(item, clip, masks)
                if pipeline:
                    pipeline.upscaler.check(frame.size, self.render)
                result = process_frame(processor, frame.without_hidden(), at_size, stabilizer)
                if frame.masks is not None:  # where no style goes, nothing is smoothed either
                    is_styled = frame.masks.amax(0) > 0
                    pixels = torch.where(is_styled, result.pixels, frame.pixels)
                    result = replace(result, pixels=pixels)
                if pipeline:
                    [result] = pipeline.upscale([result], self.render)
                yield replace(item, pixels=result.pixels, alpha=result.alpha)

    def _prepare(self, frame: Frame, clip: Clip, masks: MaskTracks) -> Picture:
        """The picture of a frame with its masks, at the size that it is stylized at."""
        bits = 16 if clip.is_high_bit_depth else 8
        picture = Picture(frame.pixels, frame.alpha, bit_depth=bits).as_floats()
        shown = float(frame.time * clip.time_base)
        picture = replace(picture, masks=masks.at(shown, picture.size))
        picture = picture.scaled(self.render.size, self.render.max_pixels)
        if picture.masks is None:
            return picture
        return replace(picture, masks=feather(picture.masks, self.render.feather))


def stylize_clips(
    pipeline: ClipPipeline, jobs: Sequence[Job], write: WriteClip | None = None
) -> int:
    """Stylize every clip; one that cannot be read does not stop the rest.

    ``write`` does one of them elsewhere, as :meth:`ClipPipeline.write_clip` does it here.
    Returns how many failed or were damaged; each was named on standard error. Raises
    ``KeyboardInterrupt`` when interrupted; what was stylized until then is a whole clip.
    """
    failed = 0
    with catch_interrupts("frame") as interrupts:
        for job in jobs:
            interrupts.check()
            try:
                with atomic_write(job.target) as temporary:
                    damage = (write or pipeline.write_clip)(job, temporary, interrupts)
                interrupts.check()
                print(job.target)  # noqa: T201
            except Exception as error:  # whatever one clip brings about, others may follow
                damage = problem(error)
            if damage:
                failed += 1
                named = damage.removeprefix(f"{job.source} ").removeprefix(f"{job.source}: ")
                print(f"error: {job.source}: {named}", file=sys.stderr)  # noqa: T201
    return failed


def stylize_frames(
    processor: ImageProcessor,
    frames: Iterable[Picture],
    rate: float,
    options: RenderOptions = DEFAULT_RENDER,
    smooth: float = ClipOptions.smooth,
) -> Iterator[Tensor]:
    """The stylized pixels (3, H, W) of frames of one size, ``rate`` of them a second.

    ``smooth``: see :class:`ClipOptions`.
    """
    stabilizer = _stabilizer(processor, smooth, rate)
    for frame in frames:
        yield process_frame(processor, frame.without_hidden(), options, stabilizer).pixels


def process_frame(
    processor: ImageProcessor,
    frame: Picture,
    options: RenderOptions,
    stabilizer: "Canvas | TemporalFilter",
) -> Picture:
    """The next frame of a clip or a camera, stylized; ``stabilizer`` knows those before."""
    photo = replace(frame, pixels=stabilizer.photo(frame.pixels))
    if isinstance(stabilizer, TemporalFilter):
        [result] = processor.process([photo], options)
        return replace(result, pixels=stabilizer.stylized(result.pixels))
    masks = None if frame.masks is None else stabilizer.warp_masks(frame.masks)
    on_canvas = Picture(photo.pixels, bit_depth=frame.bit_depth, masks=masks)
    [result] = processor.process([on_canvas], options, origin=stabilizer.corner)
    return replace(frame, pixels=stabilizer.stylized(result.pixels))


def _stabilizer(processor: ImageProcessor, smooth: float, rate: float) -> "Canvas | TemporalFilter":
    keep = math.exp(-1 / (smooth * rate)) if smooth else 0.0
    # What enlarges makes no strokes, which would have to lie still.
    canvas = _canvas() if keep and processor.factor == 1 else None
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


def prefetch(items: Generator[T, None, None], ahead: int = 2) -> Generator[T, None, None]:
    """Iterate over ``items`` in another thread, which stays at most ``ahead`` of them in front.

    What that thread raises is raised here. ``items`` are closed when this iterator is.
    """
    end: Any = object()
    with closing(items), ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(next, items, end) for _ in range(ahead))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, items, end))
                yield item
        finally:
            thread.shutdown(cancel_futures=True)
