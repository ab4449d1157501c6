"""EXIF: the tags that can be read, whatever else is odd.

Cameras and programs write invalid tags, for which Pillow warns or raises many kinds of errors.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from PIL import Image, TiffTags

ORIENTATION, SOFTWARE = 0x0112, 0x0131
#: Orientations that exchange height and width.
TRANSPOSED = range(5, 9)
_ORIENTATIONS = frozenset(range(1, 9))
_WARNINGS = threading.Lock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Suppress Pillow's warnings of invalid tags and of many pixels.

    The filters of warnings belong to the process, so that one thread at a time changes them.
    """
    with _WARNINGS, warnings.catch_warnings(action="ignore"):
        yield


def read_exif(image: Image.Image) -> Image.Exif:
    """The tags that can be read."""
    for _ in range(2):  # after an error Pillow returns the tags before it
        with suppress(Exception):
            return image.getexif()
    return Image.Exif()


def read_orientation(image: Image.Image) -> int | None:
    """The orientation, from 1 to 8, or none if the file has none that can be read."""
    with suppress(Exception):
        value = read_exif(image).get(ORIENTATION)
        return int(value) if value in _ORIENTATIONS else None
    return None


def forget_odd_tags(image: Image.Image) -> None:
    """Delete the groups of tags that cannot be read, for which Pillow would not load a TIFF."""
    exif = read_exif(image)
    for group in [tag for tag in TiffTags.TAGS_V2_GROUPS if tag in exif]:
        try:
            exif.get_ifd(group)
        except Exception:  # of many kinds
            del exif[group]
