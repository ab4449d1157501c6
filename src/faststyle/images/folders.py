"""Search folders for pictures."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faststyle.images.formats import find_format, hint_of
from faststyle.images.probe import is_picture

log = logging.getLogger(__name__)

#: Folders of thumbnails that network disks and other programs make.
_NOT_SEARCHED = frozenset({"@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX"})
#: Files that are counted and not read, by ending, and why.
_CLIPS = [".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".3gp", ".mts", ".mpg", ".wmv"]
_NO_PHOTOS = dict.fromkeys(_CLIPS, "a clip: folders are searched for pictures only")
_NO_PHOTOS[".thm"] = "a camera's thumbnail"


@dataclass
class Found:
    """Files with the ending or the contents of a picture, in a fixed order.

    ``foreign`` is the number of clips and of pictures that are not read, by ending.
    """

    pictures: list[Path] = field(default_factory=list)
    foreign: Counter[str] = field(default_factory=Counter)

    def skipped(self) -> str:
        """A sentence on the files that are not read, or nothing."""
        parts = [f"{count} {ending} ({_why(ending)})" for ending, count in self.foreign.items()]
        return f"skipped {', '.join(sorted(parts))}" if parts else ""


def find_pictures(root: Path) -> Found:
    """Search ``root`` and the folders in it; symbolic links are followed once each.

    Hidden files and folders are left out, and so are folders of thumbnails and pipes. A file of
    another ending is opened to see whether it is a picture. A warning counts the pictures that are
    not read.
    """
    found = Found()
    for path in sorted(_files(root)):
        ending = path.suffix.lower()
        if find_format(ending) or (ending not in _NO_PHOTOS and is_picture(path)):
            found.pictures.append(path)
        elif _why(ending):
            found.foreign[ending] += 1
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
        children[:] = [name for name in children if name not in _NOT_SEARCHED and name[0] != "."]
        for name in names:
            path = Path(folder, name)
            # pathlib's would fail in a folder that may not be entered.
            if name[0] != "." and os.path.isfile(path):  # noqa: PTH113
                yield path


def _why(ending: str) -> str | None:
    """Why a file of this ending is not read, if it is one of pictures or clips."""
    return _NO_PHOTOS.get(ending) or hint_of(ending)


def _warn(error: OSError) -> None:
    log.warning("%s cannot be searched: %s", error.filename, error.strerror)
