"""From picture files to their results: decoded with their masks, processed, encoded.

Neighbors of one size may go together, and a file that is odd does not stop the rest.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from tqdm import tqdm

from faststyle.core.atomic import check_target
from faststyle.core.errors import UserError, problem
from faststyle.core.interrupts import Interrupts, catch_interrupts
from faststyle.files.jobs import Job
from faststyle.files.mask_files import find_black, find_clashes, load_masks
from faststyle.files.options import ReadOptions, WriteOptions
from faststyle.files.time_limit import load_within, read_frames_within
from faststyle.images import high_bit_depth
from faststyle.images.files import (
    USUAL_QUALITY,
    Animation,
    save_animation,
    save_picture,
)
from faststyle.images.formats import check_fits, format_of
from faststyle.images.pixels import MAX_PIXELS, Picture, resize
from faststyle.images.probe import ImageInfo
from faststyle.stylize.image_processor import ImageProcessor, Progress, no_progress
from faststyle.stylize.options import DEFAULT_RENDER, RenderOptions


@dataclass(frozen=True)
class LoadedPicture:
    """A decoded picture of a file, with its masks; of an animation the first frame.

    ``mask_notes`` say what of files of masks is not read.
    """

    job: Job
    picture: Picture
    info: ImageInfo
    mask_notes: Sequence[str] = ()

    @property
    def is_animated(self) -> bool:
        """Whether all frames go into the result."""
        return self.job.is_animated(self.info)

    @property
    def kind(self) -> object:
        """Equal for what can be processed together; an animation is by itself."""
        return self.job.source if self.is_animated else self.picture.size


@dataclass(frozen=True)
class FilePipeline:
    """What is done with picture files: how they are read, processed and written."""

    processor: ImageProcessor
    render: RenderOptions = DEFAULT_RENDER
    read: ReadOptions = ReadOptions()  # noqa: RUF009  # cannot be changed
    write: WriteOptions = WriteOptions()  # noqa: RUF009

    @property
    def max_pixels(self) -> int:
        """The largest picture that is read, or held as an animation."""
        return max(MAX_PIXELS, self.render.max_pixels or 0)

    @property
    def quality(self) -> int:
        """Of lossy results."""
        return self.write.quality or USUAL_QUALITY

    def load(self, job: Job) -> LoadedPicture:
        """The picture and its masks, once it is sure that its result can be written.

        Raises ``UserError`` or ``OSError`` if it cannot, or if the picture cannot be read.
        """
        opened = job.open(self.max_pixels)
        picture = load_within(self.read.timeout, opened, self.max_pixels)
        check_fits(job.target, *self.result_size(picture))
        check_target(job.target)
        masks, notes = None, list[str]()
        if job.masks:
            try:
                masks, notes = load_masks(job.masks, picture.size)
            except UserError as error:
                raise UserError(f"{job.source}: {error}") from None
        kept = picture.metadata if self.write.metadata == "keep" else None
        picture = self._protect(replace(picture, masks=masks, metadata=kept))
        return LoadedPicture(job, picture.with_depth(self.write.bit_depth), opened.info, notes)

    def result_size(self, picture: Picture) -> tuple[int, int]:
        """Height and width of what a picture becomes."""
        height, width = picture.size_at(self.render.size)
        return self.processor.factor * height, self.processor.factor * width

    def process(
        self, batch: Sequence[LoadedPicture], progress: Progress = no_progress
    ) -> list[Picture]:
        """What becomes of pictures of one kind; see :meth:`ImageProcessor.process`."""
        pictures = [loaded.picture for loaded in batch]
        return self.processor.process(pictures, self.render, progress)

    def save(self, result: Picture, job: Job) -> None:
        """Write a result. Raises as :func:`faststyle.images.files.save_picture`."""
        save_picture(result, job.target, self.quality, lossless=self.write.lossless)

    def process_animation(
        self, first: LoadedPicture, check: Callable[[], object] = lambda: None
    ) -> None:
        """Process each frame by itself; the result keeps durations, repetitions, transparency.

        The masks of the first are for all frames. ``check`` is called after each; nothing is
        written if it raises something. Raises ``UserError`` for damage, or for more pixels in all
        than memory is to hold, and ``OSError`` if the result cannot be written.
        """
        source = first.job.source
        if self.write.bit_depth == 16:
            raise UserError(f"--bit-depth 16 is for single pictures, and {source} is an animation")
        count = first.info.frames
        height, width = self.result_size(first.picture)
        if count * height * width > self.max_pixels:
            raise UserError(
                f"{source}: {count} frames of {width} x {height} are too many pixels to hold (over"
                f" {self.max_pixels:,}); choose a smaller --size, or allow more by --max-pixels"
            )
        result = Animation(plays=first.info.plays)
        bar: tqdm[NoReturn]
        with tqdm(total=count, unit="frame", leave=False, delay=1) as bar:
            frames = read_frames_within(self.read.timeout, source, self.max_pixels)
            for frame, duration in frames:
                picture = self._protect(replace(frame, masks=first.picture.masks))
                result.frames += self.processor.process([picture], self.render)
                result.durations.append(duration)
                check()
                bar.update()
        result.frames[0] = replace(result.frames[0], metadata=first.picture.metadata)
        save_animation(result, first.job.target, self.quality, self.write.lossless)

    def notes(self, loaded: LoadedPicture) -> Iterator[str]:
        """What of a file is not in its result, and what a user may not have meant."""
        job, info, row = loaded.job, loaded.info, format_of(loaded.job.target)
        if info.frames > 1 and not loaded.is_animated:
            yield f"{job.source}: 1 of {info.frames} frames is read"
        if row.palette and not info.format.palette:
            yield f"{job.target}: GIF holds 256 colors; .png and .webp hold all, also of animations"
        if info.hdr:
            yield f"{job.source}: high dynamic range ({info.hdr}): written in ordinary range"
        if loaded.is_animated and row.timing and not row.timing.is_counted and info.plays:
            yield f"{job.target}: AVIF is shown again and again; {job.source} is not"
        if self.read.protect == "faces" and loaded.picture.protect_mask is None:
            yield f"{job.source}: no face is found that looks at the camera"
        if info.bit_depth == 16 and self.write.bit_depth != 8:
            if not high_bit_depth.is_installed():
                yield f"pictures of 16 bits are read as 8: {high_bit_depth.INSTALL} keeps all"
            elif loaded.is_animated or row.bits == 8:
                target = "an animation" if loaded.is_animated else row
                yield f"{job.source} has 16 bits a channel; {target} holds 8"
        masks = loaded.picture.masks
        if masks is not None:
            if self.render.size is not None:
                masks = resize(masks, self.render.size)  # in which what is small may vanish
            yield from loaded.mask_notes
            yield from (*find_black(masks, job.masks), *find_clashes(masks, job.masks))

    def _protect(self, picture: Picture) -> Picture:
        if self.read.protect is None:
            return picture
        from faststyle.files.faces import protect_faces  # OpenCV takes its time to be imported

        return replace(picture, protect_mask=protect_faces(picture.pixels))


def stylize_files(pipeline: FilePipeline, jobs: Sequence[Job]) -> int:
    """Stylize every picture, with a progress bar; one bad file does not stop the rest.

    Returns how many failed; each was named on standard error. Raises ``KeyboardInterrupt`` when
    interrupted; the pictures in hand are written, others not begun.
    """
    done = failed = 0
    bar: tqdm[NoReturn]
    with (
        catch_interrupts("picture") as interrupts,
        tqdm(total=len(jobs), unit="picture", disable=len(jobs) == 1) as bar,
    ):
        try:
            for batch in _batches(pipeline, jobs):
                failed += _do_batch(pipeline, batch, interrupts) if batch else 1
                done += len(batch) or 1
                bar.update(len(batch) or 1)
                if done < len(jobs):
                    interrupts.check()
        except KeyboardInterrupt:
            tqdm.write(f"{done - failed} of {len(jobs)} pictures are done", file=sys.stderr)
            raise
    if len(jobs) == 1 and not failed:
        print(jobs[0].target)  # noqa: T201
    return failed


def _do_batch(pipeline: FilePipeline, batch: Sequence[LoadedPicture], signals: Interrupts) -> int:
    """Returns how many failed."""
    try:
        if batch[0].is_animated:
            pipeline.process_animation(batch[0], signals.check)
        else:
            _do_together(pipeline, batch)
    except Exception as error:  # whatever one picture brings about, there may be a thousand others
        if len(batch) > 1:
            return sum(_do_batch(pipeline, [each], signals) for each in batch)
        _complain(problem(error, batch[0].job.source))
        return 1
    return 0


def _do_together(pipeline: FilePipeline, batch: Sequence[LoadedPicture]) -> None:
    strips: tqdm[NoReturn]
    with tqdm(unit="strip", leave=False, delay=1) as strips:

        def show(done: int, total: int) -> None:
            strips.total = total
            strips.update(done - strips.n)

        results = pipeline.process(batch, show)
    for loaded, result in zip(batch, results, strict=True):
        pipeline.save(result, loaded.job)


def _complain(message: str) -> None:
    tqdm.write(f"error: {' '.join(message.split())}", file=sys.stderr)


def _batches(pipeline: FilePipeline, jobs: Sequence[Job]) -> Iterator[list[LoadedPicture]]:
    """Neighboring pictures of equal size together, up to ``batch_size``.

    In place of one that cannot be read there is none, and it is said why.
    """
    batch: list[LoadedPicture] = []
    said: set[str] = set()
    for job in jobs:
        try:
            loaded = pipeline.load(job)
            notes = [note for note in pipeline.notes(loaded) if note not in said]
        except Exception as error:  # as above
            _complain(problem(error, job.source))
            yield []
            continue
        for note in notes:
            tqdm.write(note, file=sys.stderr)
        said.update(notes)
        is_full = len(batch) >= pipeline.read.batch_size
        if batch and (is_full or batch[0].kind != loaded.kind):
            yield batch
            batch = []
        batch.append(loaded)
    if batch:
        yield batch
