"""EXIF, of which what can be read counts: orientation, and what wrote a file.

Cameras and programs write odd tags, over which Pillow trips in a dozen ways.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from PIL import Image, TiffTags

ORIENTATION, SOFTWARE = 0x0112, 0x0131
LYING = range(5, 9)  # orientations by which height and width change places
_ORIENTATIONS = frozenset(range(1, 9))
_WARNINGS = threading.Lock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Let Pillow say nothing of odd tags, nor of many pixels; in one thread at a time."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def read_exif(image: Image.Image) -> Image.Exif:
    """The tags that can be read."""
    for _ in range(2):  # Pillow remembers what it had read when it tripped
        with suppress(Exception):
            return image.getexif()
    return Image.Exif()


def read_orientation(image: Image.Image) -> int | None:
    """From 1 to 8; none if there is none of these."""
    with suppress(Exception):
        value = read_exif(image).get(ORIENTATION)
        return int(value) if value in _ORIENTATIONS else None
    return None


def forget_odd_tags(image: Image.Image) -> None:
    """Keep what can be read, or Pillow would not load a TIFF."""
    exif = read_exif(image)
    for group in [tag for tag in TiffTags.TAGS_V2_GROUPS if tag in exif]:
        try:
            exif.get_ifd(group)
        except Exception:  # as above
            del exif[group]
