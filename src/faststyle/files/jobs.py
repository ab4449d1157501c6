"""Which pictures and clips go in, and where their results go."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from faststyle.core.atomic import file_identity
from faststyle.core.errors import UserError
from faststyle.files.clip_formats import TARGETS
from faststyle.files.mask_files import MaskFiles, check_masks
from faststyle.images import high_bit_depth
from faststyle.images.folders import find_pictures
from faststyle.images.formats import (
    ImageFormat,
    can_write,
    find_format,
    format_of,
    hint_of,
    hint_on,
)
from faststyle.images.probe import is_ours, is_picture, probe
from faststyle.stylize.faces import require_faces
from faststyle.stylize.masks import read_mask
from faststyle.stylize.options import StylizeOptions

#: Formats of clips that are written; a clip of another becomes the first.
_CLIP_FORMATS = tuple(TARGETS)
#: What is taken for a clip by its ending. A GIF that goes in is a picture.
_CLIPS = frozenset(TARGETS) - {".gif"}
#: Of MP4 and its kin, by their first bytes.
_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ")
_LONGEST_NAME = 255  # bytes


@dataclass(frozen=True)
class Job:
    """One picture or clip: where it is, and where its stylized version goes.

    ``masks``: files of where each style goes, none being everywhere.
    """

    source: Path
    target: Path
    masks: tuple[Path | None, ...] = ()


def plan(
    inputs: Sequence[str],
    output: str | None,
    style: str,
    others: Sequence[str] = (),
    masks: Sequence[MaskFiles] = (),
) -> list[Job]:
    """Pair every picture and clip of ``inputs`` with its result.

    Args:
        inputs: files, folders (searched recursively, for pictures only) and glob patterns.
        output: a file if there is one input, else a folder, in which the structure of input
            folders is kept; none writes ``NAME.STYLE.EXT`` beside each picture.
        style: the style's name.
        others: names of other styles: what they made of a folder's pictures earlier, beside them,
            is left out, as what ``style`` made is.
        masks: where each style goes.

    Raises:
        UserError: an input that does not exist, no pictures at all, results that would overwrite
            an input or each other, or whose names say a format that is not written.
    """
    styles = {style, *others}
    if output == "":
        raise UserError("--output is empty: name a file or a folder")
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
    jobs = [
        Job(
            source,
            _target(source, base, output, style, single),
            tuple(mask.of(source.relative_to(base)) for mask in masks),
        )
        for source, base in found
    ]
    check_masks([job.masks for job in jobs])
    _check_shared_masks(jobs)
    inputs_of_all = [path for job in jobs for path in (job.source, *job.masks) if path]
    sources = {file_identity(path) for path in inputs_of_all}
    targets: dict[Path, Path] = {}
    unconverted = {j.target.absolute() for j in jobs if j.source.suffix == j.target.suffix}
    planned = []
    for job in jobs:
        is_converted = job.source.suffix != job.target.suffix
        if is_converted and job.target.absolute() in (targets.keys() | unconverted):
            job = _under_whole_name(job)  # a.jp2 beside a.png, which both become PNG
        target = job.target.absolute()
        if file_identity(job.target) in sources:
            raise UserError(f"{job.target} is an input; choose another --output")
        if target in targets and targets[target] != job.source:
            raise UserError(f"{targets[target]} and {job.source} would both become {job.target}")
        targets[target] = job.source
        _check_format(job)
        planned.append(job)
    return planned


def _check_shared_masks(jobs: Sequence[Job]) -> None:
    """Raise ``UserError`` for a picture that cannot be read and is to be the mask of all photos."""
    shared = set.intersection(*(set(job.masks) for job in jobs)) if len(jobs) > 1 else set()
    for path in shared:
        if path and not is_clip(path):
            read_mask(path)


def _under_whole_name(job: Job) -> Job:
    rest = job.target.name.removeprefix(job.source.stem)
    return replace(job, target=job.target.with_name(job.source.name + rest))


def is_clip(path: Path) -> bool:
    """Whether a file is taken for a clip: what neither is called nor reads like a picture.

    A clip may be called like one: what programs for messages save as GIF is often MP4.
    """
    if _is_called_picture(path):
        return _begins_like_a_clip(path)
    return not is_picture(path) and hint_on(path) is None


def _is_called_picture(path: Path) -> bool:
    return find_format(path.suffix) is not None or hint_of(path.suffix) is not None


def _begins_like_a_clip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:  # said when it is read
        return False
    if start[4:8] == b"ftyp":  # HEIC and AVIF begin so, too
        return start[8:12] in _BRANDS
    return start.startswith(b"\x1a\x45\xdf\xa3") or (start[:4], start[8:]) == (b"RIFF", b"AVI ")


def check_formats(jobs: Sequence[Job], options: StylizeOptions) -> None:
    """Raise ``UserError`` if a result's format cannot hold what ``options`` ask for."""
    if options.bit_depth == 16:
        high_bit_depth.require()
    if options.protect:
        require_faces()
    for job in jobs:
        form = None if is_clip(job.source) else format_of(job.target)
        name = "a clip" if form is None else str(form)
        _check_depth(job, form, options.bit_depth)
        if options.protect and form is None:
            raise UserError(f"--protect is for pictures, and {job.source} is a clip")
        if options.lossless and (form is None or not form.lossless):
            raise UserError(
                f"--lossless is for WebP, and {job.target} would be {name}, which is never so"
            )


def _check_depth(job: Job, form: ImageFormat | None, bits: int | None) -> None:
    """``form``: of the result, none being a clip."""
    if bits == 16 and (form is None or form.bits < 16):
        name = "a clip" if form is None else f"{form}, of 8 bits"
        raise UserError(f"--bit-depth 16 is for PNG and TIFF, and {job.target} would be {name}")
    if bits == 10 and form is not None:
        raise UserError(f"--bit-depth 10 is for clips, and {job.source} is a picture")
    if bits == 10 and TARGETS[job.target.suffix.lower()].deep is None:
        known = ", ".join(suffix for suffix, target in TARGETS.items() if target.deep)
        raise UserError(f"--bit-depth 10: {job.target} would have 8; use one of {known}")


def _check_folder(output: str, count: int) -> None:
    path = Path(output).expanduser()
    if path.is_dir() or output.endswith(("/", "\\")):
        return
    if path.exists() or can_write(path) or path.suffix.lower() in _CLIP_FORMATS:
        raise UserError(
            f"--output {output} is one file, and there are {count} inputs: name a folder"
        )


def _check_format(job: Job) -> None:
    if not is_clip(job.source):
        format_of(job.target)
    elif job.target.suffix.lower() not in _CLIP_FORMATS:
        raise UserError(f"cannot write {job.target}: use one of {', '.join(_CLIP_FORMATS)}")


def find_inputs(text: str, output: str | None, styles: set[str]) -> Iterator[tuple[Path, Path]]:
    """The pictures that one input names, each with the folder its relative path starts from.

    Results of an earlier run, beside their photos or in a folder among them, are left out.
    """
    path = Path(text).expanduser()
    if not text:  # of a variable that is not set; it would be the working folder
        raise UserError("an input's name is empty")
    if path.is_dir():
        yield from _search(path, output, styles)
    elif path.exists():
        if not path.is_file():
            raise UserError(f"{path} is no file, but a pipe or a device")
        yield path, path.parent
    else:
        matches = [Path(p) for p in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207
        if not matches:
            raise UserError(f"no such picture, folder or pattern: {text}")
        for match in matches:
            is_hidden = match.name.startswith(".")
            if not is_hidden and _is_meant(match) and not _is_result(match, styles):
                yield match, match.parent


def _is_meant(match: Path) -> bool:
    """Whether what a pattern finds is a picture or a clip."""
    is_called_so = find_format(match.suffix) or match.suffix.lower() in _CLIPS
    return match.is_file() and (bool(is_called_so) or is_picture(match))


def _search(folder: Path, output: str | None, styles: set[str]) -> Iterator[tuple[Path, Path]]:
    out = Path(output).expanduser().resolve() if output else None
    found = find_pictures(folder)
    for path in found.pictures:
        is_inside = out is not None and out != folder.resolve() and out in path.resolve().parents
        if not is_inside and not _is_result(path, styles):
            yield path, folder


def _is_result(path: Path, styles: set[str]) -> bool:
    """Whether ``path`` is called like what a style has made: NAME.STYLE.EXT.

    That of a mixture is NAME.STYLE-0.6-OTHER-0.4.EXT.
    """
    parts = path.stem.split(".")
    ends = [".".join(parts[start:]) for start in range(1, len(parts))]
    called_so = any(end in styles or end.split("-")[0] in styles for end in ends)
    # A style may be called `edited`; what it made says so, but for formats that cannot.
    return called_so and (is_ours(path) or path.suffix.lower() == ".bmp")


def _target(source: Path, base: Path, output: str | None, style: str, single: bool) -> Path:
    stem, suffix = result_name(source)
    if output is None:
        return source.with_name(_short(stem, f".{style}{suffix}"))
    target = Path(output).expanduser()
    is_folder = output.endswith(("/", "\\")) or target.is_dir() or not single
    if not is_folder:
        is_device = target.exists() and not target.is_file()  # which is refused by its ending
        has_ending = target.suffix or is_device
        return target if has_ending else target.with_name(target.name + suffix)
    return target / source.relative_to(base).with_name(_short(stem, suffix))


def _short(stem: str, rest: str) -> str:
    """A name that file systems take, which it may not be with what is added to it."""
    room = _LONGEST_NAME - len(os.fsencode(rest))
    whole = os.fsencode(stem)
    return (stem if len(whole) <= room else whole[:room].decode(errors="ignore")) + rest


def result_name(source: Path) -> tuple[str, str]:
    """Name and ending of what becomes of ``source``: its own where they can be written."""
    suffix = source.suffix.lower()
    if is_clip(source):  # or an error later
        return source.stem, source.suffix if suffix in TARGETS else _CLIP_FORMATS[0]
    if can_write(source):
        return source.stem, source.suffix
    if _is_called_picture(source):
        return source.stem, ".png"
    try:
        row = probe(source).format
    except UserError:
        return source.name, ".png"
    return source.name, row.suffixes[0] if row.is_written else ".png"
