"""One probe of a picture file: format, size, depth, frames and more, without decoding pixels.

Files are opened by the plug-ins of Pillow that :data:`faststyle.images.formats.FORMATS` names, and
not by ``Image.open``, whose limit of pixels belongs to the whole process.
"""

import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from faststyle.core.errors import UserError
from faststyle.images.exif import (
    SOFTWARE,
    TRANSPOSED,
    read_exif,
    read_orientation,
    without_warnings,
)
from faststyle.images.formats import FORMATS, RAW_HINT, ImageFormat, hint_on
from faststyle.images.pixels import MAX_PIXELS
from faststyle.images.tiff import TiffFile

#: How the name of this software begins in the files that it writes.
OURS = "faststyle"


class TooLargeError(UserError):
    """A picture that is larger than was allowed."""


@dataclass(frozen=True)
class ImageInfo:
    """The properties of a picture file.

    Args:
        path: the file.
        format: the format of its contents, whatever its name is.
        width: pixels of the picture as it is seen, upright.
        height: pixels of the picture as it is seen, upright.
        orientation: the one in EXIF, from 1 to 8; none if there is none that can be read.
        bit_depth: 16 if channels have 16 bits that can all be read, else 8.
        has_alpha: whether it holds transparency.
        has_icc_profile: whether it holds a color profile.
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
    has_alpha: bool
    has_icc_profile: bool
    frames: int
    first_frame: int
    plays: int
    software: str

    @property
    def is_animated(self) -> bool:
        """Whether it is an animation whose frames are all read."""
        return self.format.timing is not None and self.frames - self.first_frame > 1

    def is_ours(self, kind: str = "") -> bool:
        """Whether the file says that faststyle wrote it, as that ``kind`` if one is given."""
        return self.software.startswith(OURS) and self.software.endswith(kind)


@dataclass(frozen=True)
class OpenedImage:
    """A picture file that is open and not decoded.

    Args:
        info: its properties.
        image: Pillow's image.
        file: the file, which :meth:`close` or the end of a ``with`` closes.
    """

    info: ImageInfo
    image: ImageFile.ImageFile
    file: IO[bytes]

    def close(self) -> None:
        """Close the file; a decoded image stays."""
        self.file.close()

    def __enter__(self) -> "OpenedImage":
        return self

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
    try:
        return probe(path).is_ours(kind)
    except UserError:
        return False


def open_image(path: Path, max_pixels: int = MAX_PIXELS, short_side: int = 0) -> OpenedImage:
    """Open a picture without decoding it, after checking what its header promises.

    Args:
        path: the file.
        max_pixels: the most pixels of a picture.
        short_side: the shorter side that is needed of a larger JPEG, which is then decoded at 1/2,
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
    file = path.open("rb")
    try:
        opened = _read_header(path, file)
        opened.limit(max_pixels, short_side)
    except BaseException:
        file.close()
        raise
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
    if isinstance(image, JpegImageFile):
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # of many kinds
        return 0


def _describe(path: Path, row: ImageFormat, image: ImageFile.ImageFile, frames: int) -> ImageInfo:
    orientation = read_orientation(image)
    width, height = image.stored_size if isinstance(image, TiffFile) else image.size
    if orientation in TRANSPOSED:
        width, height = height, width
    return ImageInfo(
        path=path,
        format=row,
        width=width,
        height=height,
        orientation=orientation,
        bit_depth=getattr(image, "bit_depth", 8),
        has_alpha=_has_alpha(image),
        has_icc_profile=bool(image.info.get("icc_profile")),
        frames=max(1, frames),
        first_frame=int(getattr(image, "default_image", False)),
        plays=_count_plays(row, image),
        software=_read_software(row, image),
    )


def _has_alpha(image: ImageFile.ImageFile) -> bool:
    palette_mode = image.palette.mode if image.palette else ""
    is_said = "transparency" in image.info
    return is_said or any(mode[-1:] in "Aa" for mode in (image.mode, palette_mode) if mode)


def _count_plays(row: ImageFormat, image: ImageFile.ImageFile) -> int:
    uncounted = row.timing.uncounted if row.timing else 0
    loop = image.info.get("loop")
    return uncounted if loop is None else loop and loop + uncounted


def _read_software(row: ImageFormat, image: ImageFile.ImageFile) -> str:
    if row.software == "comment":
        return str(image.info.get("comment", b""), "latin-1")
    with suppress(Exception):
        return str(read_exif(image).get(SOFTWARE, ""))
    return ""
