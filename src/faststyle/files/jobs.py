"""The pictures and clips that a command line names, each looked into once; and their results."""

import glob
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from faststyle.core.atomic import file_identity
from faststyle.core.errors import UserError
from faststyle.files.clip_formats import (
    CLIP_FORMATS,
    CLIP_SUFFIXES,
    begins_like_a_clip,
    is_called_picture,
    is_clip,
)
from faststyle.files.mask_files import MaskFiles, check_masks
from faststyle.files.options import ReadOptions, WriteOptions
from faststyle.images import high_bit_depth
from faststyle.images.folders import find_pictures
from faststyle.images.formats import ImageFormat, can_write, find_format, format_of
from faststyle.images.probe import ImageInfo, OpenedImage, is_ours, is_picture, open_image, probe

#: Names of styles, which may take a look at all of them.
StyleNames = Callable[[], Collection[str]]

#: What a clip of a format that is not written becomes.
_USUAL_CLIP = next(iter(CLIP_FORMATS))
_LONGEST_NAME = 255  # bytes
#: Of so many files the first is read where it was looked into; of more, too many would be open.
_MOST_OPEN = 32


@dataclass(frozen=True)
class Job:
    """One picture or clip: where it is, and where its result goes.

    ``masks`` are files of where each style goes, none being everywhere. ``opened`` is the picture
    as it was found, if its file is open still.
    """

    source: Path
    target: Path
    masks: tuple[Path | None, ...] = ()
    is_clip: bool = field(default=False, compare=False)
    opened: OpenedImage | None = field(default=None, compare=False, repr=False)

    def open(self, max_pixels: int) -> OpenedImage:
        """The picture, not decoded. Raises as :func:`faststyle.images.probe.open_image`."""
        if self.opened is None or self.opened.file.closed:
            return open_image(self.source, max_pixels)
        return self.opened

    def is_animated(self, info: ImageInfo) -> bool:
        """Whether all frames go into the result: both are files of animations."""
        return info.is_animated and format_of(self.target).timing is not None


def plan(
    inputs: Sequence[str],
    output: str | None,
    style: str,
    others: Callable[[], Iterable[str]] = tuple,
    masks: Sequence[MaskFiles] = (),
) -> list[Job]:
    """Pair every picture and clip of ``inputs`` with its result.

    Args:
        inputs: files, folders (searched recursively, for pictures only) and glob patterns.
        output: a file if there is one input, else a folder, in which the structure of input
            folders is kept; none writes ``NAME.STYLE.EXT`` beside each picture.
        style: the style's name.
        others: gives the names of other styles: what they made of a folder's pictures earlier,
            beside them, is left out, as what ``style`` made is.
        masks: where each style goes.

    Raises:
        UserError: an input that does not exist, no pictures at all, results that would overwrite
            an input or each other, or whose names say a format that is not written.
    """
    if output == "":
        raise UserError("--output is empty: name a file or a folder")
    styles = cache(lambda: {style, *others()})
    found = [
        (source, base)
        for text in inputs
        for source, base in find_inputs(text, output, styles)
        if not any(mask.holds(source, source == Path(text).expanduser()) for mask in masks)
    ]
    if not found:
        raise UserError(f"no pictures found in {', '.join(inputs)}")
    single = len(found) == 1 and not Path(inputs[0]).is_dir()
    if output and not single:
        _check_folder(output, len(found))
    jobs = []
    for source, base in found:
        clip, opened = _look_into(source)
        suffix = source.suffix if source.suffix.lower() in CLIP_FORMATS else _USUAL_CLIP
        name = (source.stem, suffix) if clip else result_name(source, opened)
        target = _target(source, base, output, style, single, name)
        if opened is not None and len(found) > _MOST_OPEN:
            opened.close()
            opened = None
        its_masks = tuple(mask.of(source.relative_to(base)) for mask in masks)
        jobs.append(Job(source, target, its_masks, clip, opened))
    if masks:
        check_masks([job.masks for job in jobs])
    return _check_targets(jobs)


def find_inputs(text: str, output: str | None, styles: StyleNames) -> Iterator[tuple[Path, Path]]:
    """The pictures that one input names, each with the folder its relative path starts from.

    Results of an earlier run, beside their photos or in a folder among them, are left out.
    """
    path = Path(text).expanduser()
    if not text:  # of a variable that is not set; it would be the working folder
        raise UserError("an input's name is empty")
    if path.is_file():
        yield path, path.parent
    elif path.is_dir():
        root = path.resolve()
        out = Path(output).expanduser().resolve() if output else root
        for found in find_pictures(path).pictures:
            is_inside = out != root and out in found.resolve().parents
            if not is_inside and not _is_result(found, styles):
                yield found, path
    elif path.exists():
        raise UserError(f"{path} is no file, but a pipe or a device")
    else:
        matches = [Path(p) for p in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207
        if not matches:
            raise UserError(f"no such picture, folder or pattern: {text}")
        for match in matches:
            if _is_meant(match) and not _is_result(match, styles):
                yield match, match.parent


def _is_meant(match: Path) -> bool:
    """Whether what a pattern finds is a picture or a clip."""
    if match.name.startswith(".") or not match.is_file():
        return False
    is_called_so = find_format(match.suffix) or match.suffix.lower() in CLIP_SUFFIXES
    return bool(is_called_so) or is_picture(match)


def _is_result(path: Path, styles: StyleNames) -> bool:
    """Whether ``path`` is called like what a style has made: NAME.STYLE.EXT.

    That of a mixture is NAME.STYLE-0.6-OTHER-0.4.EXT.
    """
    parts = path.stem.split(".")
    ends = [".".join(parts[start:]) for start in range(1, len(parts))]
    called_so = any(end in styles() or end.split("-")[0] in styles() for end in ends)
    # A style may be called `edited`; what it made says so, but for formats that cannot.
    return called_so and (is_ours(path) or path.suffix.lower() == ".bmp")


def _look_into(path: Path) -> tuple[bool, OpenedImage | None]:
    """Whether a file is a clip; and the picture in it, open, if there is one that can be read."""
    if path.suffix.lower() in CLIP_SUFFIXES and begins_like_a_clip(path):
        return True, None
    try:
        return False, open_image(path, sys.maxsize)
    except UserError:
        return is_clip(path), None


def _check_targets(jobs: Sequence[Job]) -> list[Job]:
    """The same jobs, whose results overwrite nothing. Raises ``UserError`` as :func:`plan`."""
    inputs_of_all = [path for job in jobs for path in (job.source, *job.masks) if path]
    sources = {file_identity(path) for path in inputs_of_all}
    targets: dict[Path, Path] = {}
    unconverted = {j.target.absolute() for j in jobs if j.source.suffix == j.target.suffix}
    checked = []
    for job in jobs:
        is_converted = job.source.suffix != job.target.suffix
        if is_converted and job.target.absolute() in (targets.keys() | unconverted):
            # a.jp2 beside a.png, which both become PNG
            rest = job.target.name.removeprefix(job.source.stem)
            job = replace(job, target=job.target.with_name(job.source.name + rest))
        target = job.target.absolute()
        if file_identity(job.target) in sources:
            raise UserError(f"{job.target} is an input; choose another --output")
        if target in targets and targets[target] != job.source:
            raise UserError(f"{targets[target]} and {job.source} would both become {job.target}")
        targets[target] = job.source
        if not job.is_clip:
            format_of(job.target)
        elif job.target.suffix.lower() not in CLIP_FORMATS:
            raise UserError(f"cannot write {job.target}: use one of {', '.join(CLIP_FORMATS)}")
        checked.append(job)
    return checked


def check_formats(jobs: Sequence[Job], read: ReadOptions, write: WriteOptions) -> None:
    """Raise ``UserError`` if a result's format cannot hold what options ask for."""
    if write.bit_depth == 16:
        high_bit_depth.require()
    if read.protect:
        from faststyle.files.faces import require_faces  # OpenCV takes its time to be imported

        require_faces()
    for job in jobs:
        row = None if job.is_clip else format_of(job.target)
        _check_depth(job, row, write.bit_depth)
        if read.protect and row is None:
            raise UserError(f"--protect is for pictures, and {job.source} is a clip")
        if write.lossless and (row is None or not row.lossless):
            name = f"{job.target} would be {row or 'a clip'}"
            raise UserError(f"--lossless is for WebP, and {name}, which is never so")


def _check_depth(job: Job, row: ImageFormat | None, bits: int | None) -> None:
    """``row``: of the result, none being a clip."""
    if bits == 16 and (row is None or row.bits < 16):
        name = "a clip" if row is None else f"{row}, of 8 bits"
        raise UserError(f"--bit-depth 16 is for PNG and TIFF, and {job.target} would be {name}")
    if bits == 10 and row is not None:
        raise UserError(f"--bit-depth 10 is for clips, and {job.source} is a picture")
    if bits == 10 and CLIP_FORMATS[job.target.suffix.lower()].high_bit_depth is None:
        known = ", ".join(suffix for suffix, row in CLIP_FORMATS.items() if row.high_bit_depth)
        raise UserError(f"--bit-depth 10: {job.target} would have 8; use one of {known}")


def _check_folder(output: str, count: int) -> None:
    path = Path(output).expanduser()
    if path.is_dir() or output.endswith(("/", "\\")):
        return
    if path.exists() or can_write(path) or path.suffix.lower() in CLIP_FORMATS:
        problem = f"--output {output} is one file, and there are {count} inputs"
        raise UserError(f"{problem}: name a folder")


def _target(
    source: Path, base: Path, output: str | None, style: str, single: bool, name: tuple[str, str]
) -> Path:
    stem, suffix = name
    if output is None:
        return source.with_name(_short(stem, f".{style}{suffix}"))
    target = Path(output).expanduser()
    if output.endswith(("/", "\\")) or target.is_dir() or not single:
        return target / source.relative_to(base).with_name(_short(stem, suffix))
    is_device = target.exists() and not target.is_file()  # which is refused by its ending
    return target if target.suffix or is_device else target.with_name(target.name + suffix)


def _short(stem: str, rest: str) -> str:
    """A name that file systems take, which it may not be with what is added to it."""
    room = _LONGEST_NAME - len(os.fsencode(rest))
    whole = os.fsencode(stem)
    return (stem if len(whole) <= room else whole[:room].decode(errors="ignore")) + rest


def result_name(source: Path, opened: OpenedImage | None = None) -> tuple[str, str]:
    """Name and ending of what becomes of a picture: its own where they can be written.

    ``opened``: the picture, if it is open; else it is asked what it is, if its name says nothing.
    """
    if can_write(source):
        return source.stem, source.suffix
    if is_called_picture(source):
        return source.stem, ".png"
    try:
        row = (probe(source) if opened is None else opened.info).format
    except UserError:
        return source.name, ".png"
    return source.name, row.suffixes[0] if row.is_written else ".png"
