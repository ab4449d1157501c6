"""The table of the formats of picture files, and hints on formats that are not in it.

Pillow decodes all of them in this process. It would pass EPS to Ghostscript, which a file of 100
bytes can keep busy for ever.
"""

import importlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Literal, NamedTuple

from PIL import Image, ImageFile

from faststyle.core.errors import UserError
from faststyle.images.bmp import open_bmp, open_dib
from faststyle.images.boxes import Jp2File
from faststyle.images.foreign import BEGINNINGS, BRANDS, FOREIGN
from faststyle.images.jpeg import open_jpeg
from faststyle.images.png import PngFile
from faststyle.images.tiff import TiffFile


class Timing(NamedTuple):
    """How the animations of a format store time.

    ``unit``: the unit of durations, in milliseconds. ``longest``: the longest duration, in units.
    ``is_counted``: whether a file says how often it is shown, and is not shown for ever.
    ``uncounted``: the number of times before those that the file counts.
    """

    unit: int
    longest: int
    is_counted: bool = True
    uncounted: int = 0


@dataclass(frozen=True)
class ImageFormat:
    """One format of picture files.

    Args:
        name: Pillow's name of it.
        module: the module that registers it with Pillow on import.
        suffixes: the endings of its files, in small letters; results get the first. Without any,
            files are recognized by their contents alone.
        title: the name for people, if it is another.
        alpha: whether a file holds transparency. If not, pictures are laid on white.
        icc_profile: whether a file holds a color profile. If not, colors are converted to sRGB.
        palette: whether a file holds 255 colors and a transparent one.
        quality: whether a file can be lossy, with a quality from 1 to 100.
        lossless: whether a file can keep every pixel.
        bits: the most bits of a channel: 8, or 16 if
            :func:`faststyle.images.high_bit_depth.encode` writes the format.
        longest_side: the most pixels a side, if there is a limit.
        timing: how animations store time, if animations are read and written.
        software: the place where a file names the software that wrote it.
        image_file: the class or function that opens a file, if it is not Pillow's.
        hint: advice for people whose Pillow does not read the format.
    """

    name: str
    module: str
    suffixes: tuple[str, ...] = ()
    title: str = ""
    is_written: bool = True
    alpha: bool = True
    icc_profile: bool = True
    palette: bool = False
    quality: bool = False
    lossless: bool = True
    bits: int = 8
    longest_side: int | None = None
    timing: Timing | None = None
    software: Literal["exif", "comment", ""] = "exif"
    image_file: Callable[..., ImageFile.ImageFile] | None = None
    hint: str = ""

    def __str__(self) -> str:
        return self.title or self.name

    @cached_property
    def is_available(self) -> bool:
        """Whether Pillow reads the format, and writes it, with what is installed."""
        with suppress(ImportError):
            importlib.import_module(self.module)
        return self.name in Image.OPEN and self.name in Image.SAVE

    def opens(self, start: bytes) -> bool:
        """Whether a file may be one of this format, by its first 16 bytes."""
        accept = Image.OPEN[self.name][1]
        found = accept is None or accept(start)
        return bool(found) and not isinstance(found, str)  # a text says why Pillow cannot read it

    @property
    def open(self) -> Callable[..., ImageFile.ImageFile]:
        """The function that makes a Pillow image, not decoded yet, of a file and its name."""
        return self.image_file or Image.OPEN[self.name][0]


def _open_avif(file: IO[bytes], name: str) -> ImageFile.ImageFile:
    from faststyle.images.avif import AvifFile  # of Pillow 11.3 and later

    return AvifFile(file, name)


def _open_heif(file: IO[bytes], name: str) -> ImageFile.ImageFile:
    from faststyle.images.heif import HeifFile  # of an extra

    return HeifFile(file, name)  # type: ignore[no-untyped-call]


_ROWS = (
    ImageFormat(
        "JPEG",
        "PIL.JpegImagePlugin",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        alpha=False,
        quality=True,
        lossless=False,
        longest_side=65_500,
        image_file=open_jpeg,
    ),
    ImageFormat(
        "PNG",
        "PIL.PngImagePlugin",
        (".png",),
        bits=16,
        timing=Timing(1, 65_535),
        image_file=PngFile,
    ),
    ImageFormat(
        "WEBP",
        "PIL.WebPImagePlugin",
        (".webp",),
        title="WebP",
        quality=True,
        longest_side=16_383,
        timing=Timing(1, 2**24 - 1),
    ),
    ImageFormat("TIFF", "PIL.TiffImagePlugin", (".tif", ".tiff"), bits=16, image_file=TiffFile),
    ImageFormat(
        "BMP",
        "PIL.BmpImagePlugin",
        (".bmp",),
        alpha=False,
        icc_profile=False,
        software="",
        image_file=open_bmp,
    ),
    ImageFormat("DIB", "PIL.BmpImagePlugin", is_written=False, image_file=open_dib),
    ImageFormat(
        "GIF",
        "PIL.GifImagePlugin",
        (".gif",),
        icc_profile=False,
        palette=True,
        lossless=False,
        longest_side=65_535,
        timing=Timing(10, 65_535, uncounted=1),
        software="comment",
    ),
    ImageFormat(
        "JPEG2000",
        "PIL.Jpeg2KImagePlugin",
        (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        title="JPEG 2000",
        is_written=False,
        image_file=Jp2File,
    ),
    ImageFormat("PPM", "PIL.PpmImagePlugin", is_written=False),
    ImageFormat(
        "AVIF",
        "PIL.AvifImagePlugin",
        (".avif",),
        quality=True,
        lossless=False,
        longest_side=32_768,
        timing=Timing(1, 2**31 - 1, is_counted=False),
        image_file=_open_avif,
        hint='an AVIF picture: pip install "pillow>=11.3"',
    ),
    ImageFormat(
        "HEIF",
        "pillow_heif.HeifImagePlugin",
        (".heic", ".heif", ".hif"),
        is_written=False,
        image_file=_open_heif,
        hint='a HEIC picture: pip install "faststyle[heif]"',
    ),
    ImageFormat(
        "JXL",
        "pillow_jxl",
        (".jxl",),
        title="JPEG XL",
        icc_profile=False,
        quality=True,
        hint="a JPEG XL picture: pip install pillow-jxl-plugin",
    ),
)
#: The formats that are read, by Pillow's names, in the order in which a file is tried.
FORMATS = {row.name: row for row in _ROWS}


def find_format(suffix: str) -> ImageFormat | None:
    """The format of files with this suffix, if it can be read."""
    row = _row_of(suffix)
    return row if row is not None and row.is_available else None


def hint_of(suffix: str) -> str | None:
    """The hint on files with this suffix, if they are pictures that are not read."""
    row = _row_of(suffix)
    if row is None:
        return FOREIGN.get(suffix.lower())
    return None if row.is_available else row.hint


def hint_on(path: Path) -> str | None:
    """The hint on a file, by suffix or contents, if it is a picture that is not read."""
    known = hint_of(path.suffix)
    if known is not None or not path.is_file():
        return known
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp":
        return hint_of(BRANDS.get(start[8:], ""))
    kinds = (kind for beginning, kind in BEGINNINGS.items() if start.startswith(beginning))
    return hint_of(next(kinds, ""))


def readable_suffixes() -> list[str]:
    """The suffixes of all formats that can be read, sorted."""
    rows = [row for row in FORMATS.values() if row.is_available]
    return sorted(suffix for row in rows for suffix in row.suffixes)


def can_write(path: Path) -> bool:
    """Whether a picture can be written to a file of this name."""
    row = find_format(path.suffix)
    return row is not None and row.is_written


def format_of(path: Path) -> ImageFormat:
    """The format in which a file of this name is written. Raises ``UserError`` if there is none."""
    row = find_format(path.suffix)
    if row is not None and row.is_written:
        return row
    known = [suffix for suffix in readable_suffixes() if can_write(Path("a" + suffix))]
    raise UserError(f"cannot write {path}: use one of {', '.join(known)}")


def check_fits(path: Path, height: int, width: int) -> None:
    """Raise ``UserError`` if the format of ``path`` holds no picture of so many pixels a side."""
    row = format_of(path)
    if row.longest_side is not None and max(height, width) > row.longest_side:
        raise UserError(
            f"{path}: {row} holds no more than {row.longest_side:,} pixels a side, and this is"
            f" {width:,} x {height:,}; choose .png or a smaller size"
        )


def _row_of(suffix: str) -> ImageFormat | None:
    suffix = suffix.lower()
    return next((row for row in FORMATS.values() if suffix in row.suffixes), None)
