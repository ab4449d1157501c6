"""Stylizing picture files, of which one that is odd does not stop the rest."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, NoReturn

from tqdm import tqdm

from faststyle.core.atomic import check_target
from faststyle.core.errors import UserError, problem
from faststyle.core.interrupts import Interrupts, catch_interrupts
from faststyle.files.animations import is_animated, stylize_animation
from faststyle.files.jobs import Job
from faststyle.files.mask_files import load_masks, remarks
from faststyle.images import high_bit_depth
from faststyle.images.files import USUAL_QUALITY, load_picture_bytes, save_picture
from faststyle.images.formats import check_fits, format_of
from faststyle.images.picture import Picture
from faststyle.images.pixels import MAX_PIXELS, resize
from faststyle.images.probe import probe
from faststyle.stylize.faces import keep_faces
from faststyle.stylize.image_processor import ImageProcessor
from faststyle.stylize.options import StylizeOptions


class _Loaded(NamedTuple):
    """A picture, and whether all of its frames go into the result, which takes a look at a file."""

    job: Job
    picture: Picture
    is_animated: bool

    @property
    def kind(self) -> object:
        """Equal for what can be stylized together; an animation is by itself."""
        return self.job.source if self.is_animated else self.picture.pixels.shape


def stylize_files(stylizer: ImageProcessor, jobs: Sequence[Job], options: StylizeOptions) -> int:
    """Stylize every picture, with a progress bar; one bad file does not stop the rest.

    Returns:
        How many failed; each was named on standard error.

    Raises:
        KeyboardInterrupt: when interrupted; the pictures in hand are written, others not begun.
    """
    failed = 0
    bar: tqdm[NoReturn]
    with (
        catch_interrupts("picture") as interrupts,
        tqdm(total=len(jobs), unit="picture", disable=len(jobs) == 1) as bar,
    ):
        done = 0
        try:
            for batch in _batches(stylizer, jobs, options, bar):
                if isinstance(batch, str):
                    _complain(batch, bar)
                    count, lost = 1, 1
                else:
                    count = len(batch)
                    lost = _stylize_batch(stylizer, batch, options, bar, interrupts)
                bar.update(count)
                done, failed = done + count, failed + lost
                if done < len(jobs):
                    interrupts.check()
        except KeyboardInterrupt:
            bar.write(f"{done - failed} of {len(jobs)} pictures are done", file=sys.stderr)
            raise
    return failed


def _stylize_batch(
    stylizer: ImageProcessor,
    batch: Sequence[_Loaded],
    options: StylizeOptions,
    bar: "tqdm[NoReturn]",
    interrupts: Interrupts,
) -> int:
    """Returns how many failed."""
    try:
        first = batch[0]
        if first.is_animated:
            stylize_animation(stylizer, first.job, first.picture, options, interrupts.check)
            _say(first.job, bar)
        else:
            _stylize_together(stylizer, batch, options, bar)
    except Exception as error:  # whatever one picture brings about, there may be a thousand others
        if len(batch) > 1:
            return sum(_stylize_batch(stylizer, [each], options, bar, interrupts) for each in batch)
        _complain(problem(error, batch[0].job.source), bar)
        return 1
    return 0


def _stylize_together(
    stylizer: ImageProcessor,
    batch: Sequence[_Loaded],
    options: StylizeOptions,
    bar: "tqdm[NoReturn]",
) -> None:
    strips: tqdm[NoReturn]
    with tqdm(unit="strip", leave=False, delay=1) as strips:
        results = stylizer.stylize(
            [each.picture for each in batch],
            options,
            lambda done, total: _show(strips, done, total),
        )
    for each, result in zip(batch, results, strict=True):
        save_result(result, each.job, options)
        _say(each.job, bar)


def _say(job: Job, bar: "tqdm[NoReturn]") -> None:
    if bar.total == 1:
        print(job.target)  # noqa: T201


def _show(bar: "tqdm[NoReturn]", done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def _complain(message: str, bar: "tqdm[NoReturn]") -> None:
    bar.write(f"error: {' '.join(message.split())}", file=sys.stderr)


def _batches(
    stylizer: ImageProcessor, jobs: Sequence[Job], options: StylizeOptions, bar: "tqdm[NoReturn]"
) -> Iterator[list[_Loaded] | str]:
    """Neighboring pictures of equal size together, up to ``options.batch_size``.

    In place of one that cannot be read, why.
    """
    batch: list[_Loaded] = []
    said: set[str] = set()
    for job in jobs:
        try:
            loaded = _Loaded(job, load_job(job, options, stylizer.factor), is_animated(job))
            for note in notes_on(job, loaded.picture, options, animated=loaded.is_animated):
                if note not in said:
                    bar.write(note, file=sys.stderr)
                    said.add(note)
        except Exception as error:  # as above
            yield problem(error, job.source)
            continue
        is_full = len(batch) >= options.batch_size
        if batch and (is_full or batch[0].kind != loaded.kind):
            yield batch
            batch = []
        batch.append(loaded)
    if batch:
        yield batch


def load_job(job: Job, options: StylizeOptions, factor: int) -> Picture:
    """The picture and its masks, once it is sure that its result can be written.

    Raises ``UserError`` or ``OSError`` if it cannot, or if the picture cannot be read.
    """
    picture = load_picture_bytes(job.source, max(MAX_PIXELS, options.max_pixels or 0))
    height, width = options.size_of(picture)
    check_fits(job.target, factor * height, factor * width)
    check_target(job.target)
    try:
        masks = load_masks(job.masks, (picture.pixels.shape[1], picture.pixels.shape[2]))
    except UserError as error:
        raise UserError(f"{job.source}: {error}") from None
    protect_mask = keep_faces(picture.pixels) if options.protect == "faces" else None
    return replace(picture, masks=masks, protect_mask=protect_mask)


def save_result(result: Picture, job: Job, options: StylizeOptions) -> None:
    """Write what became of a picture. Raises as :func:`faststyle.images.files.save_picture`."""
    quality = options.quality or USUAL_QUALITY
    save_picture(result, job.target, quality, lossless=options.lossless)


def notes_on(
    job: Job, picture: Picture, options: StylizeOptions, animated: bool = False
) -> Iterator[str]:
    """What of a file is not in its result, and what a user may not have meant.

    ``animated``: whether all of its frames are.
    """
    info, row = probe(job.source), format_of(job.target)
    if info.frames > 1 and not animated:
        yield f"{job.source}: 1 of {info.frames} frames is read"
    if row.palette and not info.format.palette:
        yield f"{job.target}: GIF holds 256 colors; .png and .webp hold all, also of animations"
    if animated and row.timing and not row.timing.is_counted and info.plays:
        yield f"{job.target}: AVIF is shown again and again; {job.source} is not"
    if options.protect == "faces" and picture.protect_mask is None:
        yield f"{job.source}: no face is found that looks at the camera"
    if options.bit_depth != 8:
        if picture.bit_depth == 16 and (animated or row.bits == 8):
            form = "an animation" if animated else row
            yield f"{job.source} has 16 bits a channel; {form} holds 8"
        elif info.bit_depth == 16 and not high_bit_depth.is_installed():
            yield f"pictures of 16 bits are read as 8: {high_bit_depth.INSTALL} keeps all"
    masks = picture.masks
    if masks is not None and options.size is not None:
        masks = resize(masks, options.size)  # in which what is small may vanish
    yield from remarks(masks, job.masks)
