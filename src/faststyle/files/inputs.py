"""What goes in: the pictures and clips that a command line names, each looked into once."""

import glob
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from faststyle.core.errors import UserError
from faststyle.files.clip_formats import CLIP_FORMATS
from faststyle.images.folders import find_pictures
from faststyle.images.formats import find_format, hint_of, hint_on
from faststyle.images.probe import OpenedImage, is_ours, is_picture, open_image

#: What is taken for a clip by its ending. A GIF that goes in is a picture.
_CLIPS = frozenset(CLIP_FORMATS) - {".gif"}
#: Of MP4 and its kin, by their first bytes.
_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ")

#: Names of styles, which may take a look at all of them.
StyleNames = Callable[[], Collection[str]]


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
        yield from _search(path, output, styles)
    elif path.exists():
        raise UserError(f"{path} is no file, but a pipe or a device")
    else:
        matches = [Path(p) for p in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207
        if not matches:
            raise UserError(f"no such picture, folder or pattern: {text}")
        for match in matches:
            is_hidden = match.name.startswith(".")
            if not is_hidden and _is_meant(match) and not _is_result(match, styles):
                yield match, match.parent


def look_into(path: Path) -> tuple[bool, OpenedImage | None]:
    """Whether a file is a clip, as :func:`is_clip`; and the picture in it, open, if there is one.

    A picture that cannot be read is neither.
    """
    if path.suffix.lower() in _CLIPS and _begins_like_a_clip(path):
        return True, None
    try:
        return False, open_image(path, sys.maxsize)
    except UserError:
        return is_clip(path), None


def is_clip(path: Path) -> bool:
    """Whether a file is taken for a clip: what neither is called nor reads like a picture.

    A clip may be called like one: what programs for messages save as GIF is often MP4.
    """
    if is_called_picture(path):
        return _begins_like_a_clip(path)
    return not is_picture(path) and hint_on(path) is None


def is_called_picture(path: Path) -> bool:
    """Whether a file has the ending of a format of pictures, be it one that is read or not."""
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


def _is_meant(match: Path) -> bool:
    """Whether what a pattern finds is a picture or a clip."""
    is_called_so = find_format(match.suffix) or match.suffix.lower() in _CLIPS
    return match.is_file() and (bool(is_called_so) or is_picture(match))


def _search(folder: Path, output: str | None, styles: StyleNames) -> Iterator[tuple[Path, Path]]:
    out = Path(output).expanduser().resolve() if output else None
    found = find_pictures(folder)
    for path in found.pictures:
        is_inside = out is not None and out != folder.resolve() and out in path.resolve().parents
        if not is_inside and not _is_result(path, styles):
            yield path, folder


def _is_result(path: Path, styles: StyleNames) -> bool:
    """Whether ``path`` is called like what a style has made: NAME.STYLE.EXT.

    That of a mixture is NAME.STYLE-0.6-OTHER-0.4.EXT.
    """
    parts = path.stem.split(".")
    ends = [".".join(parts[start:]) for start in range(1, len(parts))]
    called_so = any(end in styles() or end.split("-")[0] in styles() for end in ends)
    # A style may be called `edited`; what it made says so, but for formats that cannot.
    return called_so and (is_ours(path) or path.suffix.lower() == ".bmp")
