"""Searching folders for pictures, as people's disks hold them."""

import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faststyle.images.formats import find_format, hint_of
from faststyle.images.probe import is_picture

log = logging.getLogger(__name__)

#: Folders of thumbnails that network disks and others make; hidden ones are not searched either.
_NOT_SEARCHED = frozenset({"@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX"})
#: What else is counted, though it is no photo of anybody's.
_NO_PHOTOS = {
    **dict.fromkeys(
        (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".3gp", ".mts", ".mpg", ".wmv"),
        "a clip: folders are searched for pictures only",
    ),
    ".thm": "a camera's thumbnail",
}


@dataclass
class Found:
    """What a folder holds.

    Args:
        pictures: files, in a fixed order, that are called like pictures, or are some.
        foreign: how many pictures of each ending are in formats that are not read, and how many
            clips there are.
    """

    pictures: list[Path] = field(default_factory=list)
    foreign: Counter[str] = field(default_factory=Counter)

    def skipped(self) -> str:
        """A sentence on what is not read, or nothing."""
        parts = [f"{count} {ending} ({_why(ending)})" for ending, count in self.foreign.items()]
        return f"skipped {', '.join(sorted(parts))}" if parts else ""


def find_pictures(root: Path) -> Found:
    """Search ``root`` and the folders in it, symbolic links followed (once each).

    Hidden files and folders are left out, and those that hold thumbnails; so is what is no file: a
    pipe would be waited for. A file whose ending says nothing is looked into. A warning counts the
    pictures in formats that are not read.
    """
    found = Found()
    for path in _files(root):
        ending = path.suffix.lower()
        if find_format(ending) or (ending not in _NO_PHOTOS and is_picture(path)):
            found.pictures.append(path)
        elif _why(ending):
            found.foreign[ending] += 1
    found.pictures.sort()
    if found.foreign:
        log.warning("%s: %s", root, found.skipped())
    return found


def _files(root: Path) -> Iterator[Path]:
    visited = set()
    for folder, children, names in os.walk(root, onerror=_warn, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:
            children.clear()
            continue
        visited.add(real)
        children[:] = [name for name in children if not _is_passed_over(name)]
        for name in names:
            path = Path(folder, name)
            if not name.startswith(".") and _is_regular(path):
                yield path


def _why(ending: str) -> str | None:
    """Why a file of this ending is not read, if it is one of pictures or clips."""
    return _NO_PHOTOS.get(ending) or hint_of(ending)


def _warn(error: OSError) -> None:
    log.warning("%s cannot be searched: %s", error.filename, error.strerror)


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name in _NOT_SEARCHED


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:  # a link to nothing
        return False
