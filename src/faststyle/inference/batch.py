"""Which pictures and clips go in, where their results go, and stylizing the pictures."""

import glob
import mimetypes
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from PIL import Image
from tqdm import tqdm

from faststyle.core.errors import UserError
from faststyle.core.interrupts import catch_interrupts
from faststyle.inference.options import StylizeOptions
from faststyle.inference.stylizer import Stylizer
from faststyle.pictures.files import EXTENSIONS, load_picture_bytes, save_picture
from faststyle.pictures.picture import Picture

#: Formats of clips that are written; a clip of another becomes the first.
_CLIP_FORMATS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")


@dataclass(frozen=True)
class Job:
    """One picture or clip: where it is, and where its stylized version goes."""

    source: Path
    target: Path


def plan(inputs: Sequence[str], output: str | None, style: str) -> list[Job]:
    """Pair every picture and clip of ``inputs`` with its result.

    Args:
        inputs: files, folders (searched recursively, for pictures only) and glob patterns.
        output: a file if there is one input, else a folder, in which the structure of input
            folders is kept; none writes ``NAME.STYLE.EXT`` beside each picture.
        style: the style's name.

    Raises:
        UserError: an input that does not exist, no pictures at all, results that would overwrite
            an input or each other.
    """
    found = [pair for text in inputs for pair in _expand(text, output, style)]
    if not found:
        raise UserError(f"no pictures found in {', '.join(inputs)}")
    single = len(found) == 1 and not Path(inputs[0]).is_dir()
    jobs = [Job(source, _target(source, base, output, style, single)) for source, base in found]
    sources = {job.source.resolve() for job in jobs}
    targets: dict[Path, Path] = {}
    for job in jobs:
        target = job.target.resolve()
        if target in sources:
            raise UserError(f"{job.target} is an input; choose another --output")
        if target in targets and targets[target] != job.source:
            raise UserError(f"{targets[target]} and {job.source} would both become {job.target}")
        targets[target] = job.source
    return jobs


def is_clip(path: Path) -> bool:
    """Whether a file is taken for a clip, by its name: whatever is not known for a picture."""
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind.startswith("video/") or (
        not kind.startswith("image/") and path.suffix.lower() not in Image.registered_extensions()
    )


def stylize_files(stylizer: Stylizer, jobs: Sequence[Job], options: StylizeOptions) -> int:
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
        for batch in _batches(jobs, options.batch_size):
            failed += _stylize_batch(stylizer, batch, options, bar)
            done += len(batch)
            if interrupts.received and done < len(jobs):
                bar.write(f"{done - failed} of {len(jobs)} pictures are done", file=sys.stderr)
                raise KeyboardInterrupt
    return failed


def _stylize_batch(
    stylizer: Stylizer,
    batch: Sequence[tuple[Job, Picture | str]],
    options: StylizeOptions,
    bar: "tqdm[NoReturn]",
) -> int:
    failed = 0
    readable: list[tuple[Job, Picture]] = []
    for job, picture in batch:
        if isinstance(picture, str):
            failed += 1
            _complain(picture, bar)
        else:
            readable.append((job, picture))
    if readable:
        strips: tqdm[NoReturn]
        try:
            with tqdm(unit="strip", leave=False, delay=1) as strips:
                results = stylizer.stylize(
                    [picture for _, picture in readable],
                    options,
                    lambda done, total: _show(strips, done, total),
                    overwrite=True,
                )
            for (job, _), result in zip(readable, results, strict=True):
                save_picture(result, job.target)
                if bar.total == 1:
                    print(job.target)  # noqa: T201
        except UserError as error:
            failed += len(readable)
            _complain(f"{', '.join(str(job.source) for job, _ in readable)}: {error}", bar)
    bar.update(len(batch))
    return failed


def _show(bar: "tqdm[NoReturn]", done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def _complain(message: str, bar: "tqdm[NoReturn]") -> None:
    bar.write(f"error: {' '.join(message.split())}", file=sys.stderr)


def _batches(jobs: Sequence[Job], size: int) -> Iterator[list[tuple[Job, Picture | str]]]:
    """Neighboring pictures of equal size together, up to ``size``; what fails as its message."""
    batch: list[tuple[Job, Picture | str]] = []
    shape: object = None
    for job in jobs:
        loaded: Picture | str
        try:
            loaded = load_picture_bytes(job.source)
        except UserError as error:
            loaded = str(error)
        new_shape = shape if isinstance(loaded, str) else loaded.pixels.shape
        if batch and (len(batch) >= size or (shape is not None and new_shape != shape)):
            yield batch
            batch = []
        batch.append((job, loaded))
        shape = new_shape
    if batch:
        yield batch


def _expand(text: str, output: str | None, style: str) -> list[tuple[Path, Path]]:
    """The pictures that one input names, each with the folder its relative path starts from.

    Results of an earlier run, beside their photos or in a folder among them, are left out.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        out = Path(output).expanduser().resolve() if output else None
        found = [
            (p, path)
            for p in sorted(path.rglob("*"))
            if p.suffix.lower() in EXTENSIONS and _is_source(p, style)
        ]
        if out is None or out == path.resolve():
            return found
        return [pair for pair in found if out not in pair[0].resolve().parents]
    if path.exists():
        return [(path, path.parent)]
    matches = [Path(p) for p in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207
    if not matches:
        raise UserError(f"no such picture, folder or pattern: {text}")
    known = (*EXTENSIONS, *_CLIP_FORMATS)
    return [(p, p.parent) for p in matches if p.suffix.lower() in known and _is_source(p, style)]


def _is_source(path: Path, style: str) -> bool:
    """Not hidden, and not what an earlier run has made."""
    return not path.name.startswith(".") and not path.stem.endswith(f".{style}") and path.is_file()


def _target(source: Path, base: Path, output: str | None, style: str, single: bool) -> Path:
    if output is None:
        return source.with_name(f"{source.stem}.{style}{_suffix(source)}")
    target = Path(output).expanduser()
    is_folder = output.endswith(("/", "\\")) or target.is_dir() or not single
    if not is_folder:
        return target if target.suffix else target.with_suffix(_suffix(source))
    return target / source.relative_to(base).with_suffix(_suffix(source))


def _suffix(source: Path) -> str:
    """The input's own format where it can be written, else PNG or MP4."""
    if source.suffix.lower() in (*EXTENSIONS, *_CLIP_FORMATS):
        return source.suffix
    return _CLIP_FORMATS[0] if is_clip(source) else ".png"
