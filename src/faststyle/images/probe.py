"""One probe of a picture file: format, size, depth, EXIF, frames, without decoding pixels.

Files are opened by the plug-ins of Pillow that :data:`faststyle.images.formats.FORMATS` names, and
not by ``Image.open``, whose limit of pixels belongs to the whole process. Cameras and programs
write invalid EXIF, for which Pillow warns or raises many kinds of errors: what can be read is.
"""

import struct
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from PIL import Image, ImageFile, TiffTags, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from faststyle.core.errors import UserError
from faststyle.images.color_numbers import (
    ADOBE_RGB_GAMMA,
    ADOBE_RGB_XY,
    ColorNumbers,
    find_numbers,
)
from faststyle.images.foreign import RAW_HINT
from faststyle.images.formats import FORMATS, ImageFormat, hint_on
from faststyle.images.metadata import SOFTWARE
from faststyle.images.pixels import MAX_PIXELS
from faststyle.images.tiff import TiffFile

#: How the name of this software begins in the files that it writes.
OURS = "faststyle"
#: A tag of EXIF.
ORIENTATION = 0x0112
#: Orientations that exchange height and width.
TRANSPOSED = range(5, 9)
_WARNINGS = threading.Lock()
_EXIF_GROUP, _INTEROPERABILITY = 0x8769, 0xA005
_COLOR_SPACE, _INDEX = 0xA001, 1
_SRGB, _ADOBE_RGB = 1, 2


class TooLargeError(UserError):
    """A picture that is larger than was allowed."""


@dataclass(frozen=True)
class ImageInfo:
    """The properties of a picture file, of whose pixels width and height are as it is seen.

    Args:
        format: the format of its contents, whatever its name is.
        orientation: the one in EXIF, from 1 to 8; none if there is none that can be read.
        bit_depth: 16 if channels have more than 8 bits that can all be read, else 8.
        encoding: the name of what Pillow alone cannot decode right; empty if it can.
        hdr: the name of its high dynamic range, PQ or HLG, or nothing.
        frames: the number of frames or pages. The extra pictures in a phone's photo (MPO), which
            are depth and brightness, do not count.
        first_frame: the first frame of an animation: 1 after a still for other programs, else 0.
        plays: how often an animation is shown; 0 is for ever.
        software: the name of the software that wrote it, or nothing.
    """

    path: Path
    format: ImageFormat
    width: int
    height: int
    orientation: int | None
    bit_depth: int
    frames: int
    first_frame: int
    plays: int
    software: str
    encoding: str = ""
    hdr: str = ""

    @property
    def is_animated(self) -> bool:
        """Whether it is an animation whose frames are all read."""
        return self.format.timing is not None and self.frames - self.first_frame > 1

    def is_ours(self, kind: str = "") -> bool:
        """Whether the file says that faststyle wrote it, as that ``kind`` if one is given."""
        return self.software.startswith(OURS) and self.software.endswith(kind)


@dataclass(frozen=True)
class OpenedImage(AbstractContextManager["OpenedImage"]):
    """A picture file that is open and not decoded, until :meth:`close` or the end of a ``with``."""

    info: ImageInfo
    image: ImageFile.ImageFile
    file: IO[bytes]

    def close(self) -> None:
        """Close the file; a decoded image stays."""
        self.file.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def limit(self, max_pixels: int, short_side: int = 0) -> None:
        """Check the size, with the arguments of :func:`open_image`. Raises ``TooLargeError``."""
        image = self.image
        if short_side and image.width * image.height > max_pixels:
            image.draft(image.mode, (short_side, short_side))
        width, height = image.size
        if width * height > max_pixels:
            raise TooLargeError(
                f"{self.info.path}: {width} x {height} is too large a picture"
                f" (over {max_pixels:,} pixels)"
            )


def probe(path: Path) -> ImageInfo:
    """The properties of a picture file. Raises ``UserError`` if it cannot be opened."""
    with open_image(path, sys.maxsize) as opened:
        return opened.info


def is_picture(path: Path) -> bool:
    """Whether a file is a picture, whatever its name is."""
    try:
        probe(path)
    except UserError as error:
        return isinstance(error, TooLargeError)
    return True


def is_ours(path: Path, kind: str = "") -> bool:
    """Whether a file is a picture that says that faststyle wrote it; see :class:`ImageInfo`."""
    with suppress(UserError):
        return probe(path).is_ours(kind)
    return False


def open_image(path: Path, max_pixels: int = MAX_PIXELS, short_side: int = 0) -> OpenedImage:
    """Open a picture without decoding it, after checking what its header promises.

    Of a JPEG that is larger, no more may be needed than ``short_side``: it is then decoded at 1/2,
    1/4 or 1/8 of its size.

    Raises:
        UserError: the file is missing, empty, or no picture in one of the formats.
        TooLargeError: the picture has more than ``max_pixels``.
    """
    try:
        return _open(path, max_pixels, short_side)
    except (UserError, MemoryError):
        raise
    except FileNotFoundError:
        raise UserError(f"no such picture: {path}") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not a picture") from None
    except PermissionError:
        raise UserError(f"{path} cannot be read: permission denied") from None
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"{path} is too large a picture: {error}") from None
    except Exception:  # damage raises many kinds of errors
        hint = hint_on(path)
        problem = f"is {hint}" if hint else "is not a picture that can be read (or is empty)"
        raise UserError(f"{path} {problem}") from None


def _open(path: Path, max_pixels: int, short_side: int) -> OpenedImage:
    if not path.is_file() and not path.is_dir() and path.exists():
        raise UserError(f"{path} is no file, but a pipe or a device")
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        opened = _read_header(path, file)
        opened.limit(max_pixels, short_side)
        stack.pop_all()
    return opened


def _read_header(path: Path, file: IO[bytes]) -> OpenedImage:
    start = file.read(16)  # before other threads wait for a slow disk
    with without_warnings():
        row, image = _identify(start, file, str(path))
        if isinstance(image, TiffFile) and image.is_raw():
            raise UserError(f"{path} is {RAW_HINT}")
        frames = _count_frames(image)
        if frames != 1:  # counting has left the first frame
            image = _open_as(row, file, str(path))
        return OpenedImage(_describe(path, row, image, frames), image, file)


def _identify(start: bytes, file: IO[bytes], name: str) -> tuple[ImageFormat, ImageFile.ImageFile]:
    """The format of a file, by its first 16 bytes, and Pillow's image of it."""
    for row in FORMATS.values():
        if row.is_available and row.opens(start):
            # Plug-ins raise these for another format.
            with suppress(SyntaxError, IndexError, TypeError, struct.error):
                return row, _open_as(row, file, name)
    raise UnidentifiedImageError


def _open_as(row: ImageFormat, file: IO[bytes], name: str) -> ImageFile.ImageFile:
    file.seek(0)
    return row.open(file, name)


def _count_frames(image: ImageFile.ImageFile) -> int:
    """The number of frames; 0 if those after the first are damaged."""
    if isinstance(image, JpegImageFile):  # another picture in it is a phone's depth
        return 1
    with suppress(Exception):  # of many kinds
        return int(getattr(image, "n_frames", 1)) - getattr(image, "page", 0)
    return 0


def _describe(path: Path, row: ImageFormat, image: ImageFile.ImageFile, frames: int) -> ImageInfo:
    orientation, numbers = read_orientation(image), read_numbers(image)
    if numbers is not None:
        image.info["cicp"] = numbers  # which may be lost while the picture is turned
    width, height = image.stored_size if isinstance(image, TiffFile) else image.size
    if orientation in TRANSPOSED:
        width, height = height, width
    uncounted, loop = row.timing.uncounted if row.timing else 0, image.info.get("loop")
    if row.software == "comment":
        software = str(image.info.get("comment", b""), "latin-1")
    else:
        software = str(_read_tag(image, SOFTWARE) or "")
    return ImageInfo(
        path=path,
        format=row,
        width=width,
        height=height,
        orientation=orientation,
        bit_depth=getattr(image, "bit_depth", 8),
        encoding=getattr(image, "encoding", ""),
        hdr=numbers.hdr if numbers is not None else "",
        frames=max(1, frames),
        first_frame=int(getattr(image, "default_image", False)),
        plays=uncounted if loop is None else loop and loop + uncounted,
        software=software,
    )


@contextmanager
def without_warnings() -> Iterator[None]:
    """Suppress Pillow's warnings of invalid tags and of many pixels.

    The filters of warnings belong to the process, so that one thread at a time changes them.
    """
    with _WARNINGS, warnings.catch_warnings(action="ignore"):
        yield


def read_orientation(image: Image.Image) -> int | None:
    """The orientation, from 1 to 8, or none if the file has none that can be read."""
    value = _read_tag(image, ORIENTATION)
    return int(value) if value in range(1, 9) else None


def read_numbers(image: Image.Image) -> ColorNumbers | None:
    """The numbers of an image's colors that count more than its profile; Adobe RGB by EXIF."""
    info = image.info
    numbers = find_numbers(info)
    says_it = info.get("icc_profile") or info.get("nclx_profile") or "srgb" in info
    if numbers is not None or says_it or image.mode in ("CMYK", "LAB"):
        return numbers
    exif, space, index = _read_exif(image), None, ""
    with suppress(Exception):  # of many kinds
        space = exif.get_ifd(_EXIF_GROUP).get(_COLOR_SPACE)
        index = str(exif.get_ifd(_INTEROPERABILITY).get(_INDEX))
    is_adobe = space == _ADOBE_RGB or (space != _SRGB and index.startswith("R03"))
    return ColorNumbers(ADOBE_RGB_XY, gamma=ADOBE_RGB_GAMMA) if is_adobe else None


def forget_odd_tags(image: Image.Image) -> None:
    """Delete the groups of tags that cannot be read, for which Pillow would not load a TIFF."""
    exif = _read_exif(image)
    for group in [tag for tag in TiffTags.TAGS_V2_GROUPS if tag in exif]:
        try:
            exif.get_ifd(group)
        except Exception:  # of many kinds
            del exif[group]


def _read_exif(image: Image.Image) -> Image.Exif:
    for _ in range(2):  # after an error Pillow returns the tags before it
        with suppress(Exception):
            return image.getexif()
    return Image.Exif()


def _read_tag(image: Image.Image, tag: int) -> Any:
    with suppress(Exception):
        return _read_exif(image).get(tag)
    return None
