"""What a picture file is, asked once: it is opened, and not decoded.

Pillow's registry of plug-ins tells formats; :data:`faststyle.images.formats.FORMATS` says which of
them are tried. Nothing of Pillow's is changed: its limit of pixels is not asked, since
:func:`open_image` has its own.
"""

import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from faststyle.core.errors import UserError
from faststyle.images.exif import LYING, SOFTWARE, read_exif, read_orientation, without_warnings
from faststyle.images.formats import FORMATS, RAW_HINT, ImageFormat, hint_on
from faststyle.images.pixels import MAX_PIXELS
from faststyle.images.tiff import TiffFile

#: How the name of this software begins in the files that it writes.
OURS = "faststyle"


class TooLargeError(UserError):
    """A picture that is larger than was allowed."""


@dataclass(frozen=True)
class ImageInfo:
    """What a picture file is, by its header.

    Args:
        path: the file; what is in it counts, and not its name.
        format: what it is.
        width: in pixels, as it is seen.
        height: likewise.
        orientation: EXIF's, from 1 to 8; none if the file has none that can be read.
        bit_depth: 16 if the file has so many bits of a channel, each of which can be kept, else 8.
        has_alpha: whether some of it is transparent.
        has_icc_profile: whether it has colors of its own.
        frames: how many pictures it shows one after another, or as pages. Those behind a phone's
            photo (MPO) are depth and brightness, and do not count.
        first_frame: 1 if the first is for programs that know no animation, else 0.
        plays: how often an animation is shown; 0 is for ever.
        software: what wrote it, if it says so.
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
        """Whether it is an animation of a format of which all frames are read."""
        return self.format.timing is not None and self.frames - self.first_frame > 1

    def is_ours(self, kind: str = "") -> bool:
        """Whether faststyle wrote it, as that ``kind`` if one is given; a BMP cannot say so."""
        return self.software.startswith(OURS) and self.software.endswith(kind)


@dataclass(frozen=True)
class OpenedImage:
    """A picture file that is open and not decoded: what it is, and Pillow's image of it.

    It is closed by :meth:`close`, or at the end of a ``with``.
    """

    info: ImageInfo
    image: ImageFile.ImageFile
    file: IO[bytes]

    def close(self) -> None:
        """Close the file; what was decoded stays."""
        self.file.close()

    def __enter__(self) -> "OpenedImage":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def limit(self, max_pixels: int, short_side: int = 0) -> None:
        """See :func:`open_image`. Raises ``TooLargeError``."""
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
    """What a picture file is. Raises ``UserError`` as :func:`open_image`."""
    with open_image(path, sys.maxsize) as opened:
        return opened.info


def open_image(path: Path, max_pixels: int = MAX_PIXELS, short_side: int = 0) -> OpenedImage:
    """Open a picture without decoding it, after checking what its header promises.

    Args:
        path: a file; what is in it counts, and not its name.
        max_pixels: the largest that is opened.
        short_side: of a JPEG that is larger: no more pixels are wanted, so that it may be decoded
            at 1/2, 1/4 or 1/8.

    Raises:
        UserError: the file is missing, empty, or no picture of a format in
            :data:`faststyle.images.formats.FORMATS`.
        TooLargeError: it is larger than ``max_pixels``.
    """
    with _naming_problems(path):
        file = _open_file(path)
        try:
            opened = _read_header(path, file)
            opened.limit(max_pixels, short_side)
        except BaseException:
            file.close()
            raise
    return opened


@contextmanager
def _naming_problems(path: Path) -> Iterator[None]:
    """Raise ``UserError`` for whatever is wrong with a file."""
    try:
        yield
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
    except Exception:  # Pillow trips over damage in a dozen different ways
        hint = hint_on(path)
        problem = f"is {hint}" if hint else "is not a picture that can be read (or is empty)"
        raise UserError(f"{path} {problem}") from None


def _open_file(path: Path) -> IO[bytes]:
    if not path.is_file() and not path.is_dir() and path.exists():
        raise UserError(f"{path} is no file, but a pipe or a device")
    return path.open("rb")


def _read_header(path: Path, file: IO[bytes]) -> OpenedImage:
    start = file.read(16)  # of a slow disk, before others wait for it
    with without_warnings():
        row, image = _identify(start, file, str(path))
        if isinstance(image, TiffFile) and image.is_raw():
            raise UserError(f"{path} is {RAW_HINT}")
        frames = _count_frames(image)
        if frames != 1:  # counting moves on
            image = _open_as(row, file, str(path))
        return OpenedImage(_describe(path, row, image, frames), image, file)


def _identify(start: bytes, file: IO[bytes], name: str) -> tuple[ImageFormat, ImageFile.ImageFile]:
    """As ``Image.open``, which would ask Pillow's limit of pixels, too."""
    for row in FORMATS.values():
        if row.is_available and row.opens(start):
            with suppress(SyntaxError, IndexError, TypeError, struct.error):  # not this format
                return row, _open_as(row, file, name)
    raise UnidentifiedImageError


def _open_as(row: ImageFormat, file: IO[bytes], name: str) -> ImageFile.ImageFile:
    file.seek(0)
    return row.open(file, name)


def _count_frames(image: ImageFile.ImageFile) -> int:
    """0 if what follows the first is damaged."""
    if isinstance(image, JpegImageFile):
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # as above
        return 0


def _describe(path: Path, row: ImageFormat, image: ImageFile.ImageFile, frames: int) -> ImageInfo:
    orientation = read_orientation(image)
    width, height = image.stored_size if isinstance(image, TiffFile) else image.size
    if orientation in LYING:
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


def is_picture(path: Path) -> bool:
    """Whether a file can be opened as a picture, whatever it is called."""
    try:
        probe(path)
    except UserError as error:
        return isinstance(error, TooLargeError)
    return True


def is_ours(path: Path, kind: str = "") -> bool:
    """Whether faststyle wrote a file, as that ``kind`` if one is given."""
    try:
        return probe(path).is_ours(kind)
    except UserError:
        return False
