"""One table of the formats of picture files, and what is said of those that are not in it.

Only formats that Pillow decodes in this process are read. It would hand others to programs (EPS to
Ghostscript, which a file of 100 bytes keeps busy for ever).
"""

import importlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from PIL import Image, ImageFile

from faststyle.core.errors import UserError
from faststyle.images.png import PngFile
from faststyle.images.tiff import TiffFile


class Timing(NamedTuple):
    """What the animations of a format say of time.

    ``unit``: of durations, in milliseconds. ``longest``: how many units a frame may last.
    ``is_counted``: whether a file says how often it is shown; others are shown for ever.
    ``uncounted``: how many times go before those that it counts.
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
        module: what registers it with Pillow when it is imported.
        suffixes: of its files, in small letters, the first for results; files of a format that has
            none are known by their contents alone.
        title: what people call it, if that is not ``name``.
        is_written: whether pictures are written in it, and not only read.
        alpha: whether a file holds transparency; in others a picture is laid on white.
        icc_profile: whether a file holds a color profile; for others colors are converted to sRGB.
        palette: whether a picture has 255 colors of its own, and a transparent one.
        quality: whether it is written with a quality from 1 to 100.
        lossless: whether it can keep every pixel; with ``quality``, if that is asked for.
        bits: the most of a channel, 8 or 16.
        longest_side: the most pixels of a side, if there is a limit.
        timing: of animations, if they are read and written; of others the first picture is.
        software: where a file says what wrote it.
        image_file: what opens a file in place of Pillow's class.
        hint: what to do where Pillow does not have the format.
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
    image_file: type[ImageFile.ImageFile] | None = None
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
        return bool(found) and not isinstance(found, str)  # which says why it cannot be read

    @property
    def open(self) -> Callable[..., ImageFile.ImageFile]:
        """What makes a Pillow image, that is not decoded, of a file and its name."""
        return self.image_file or Image.OPEN[self.name][0]


#: The formats that are read, by Pillow's names, in the order in which a file is tried.
FORMATS: dict[str, ImageFormat] = {}


def register(row: ImageFormat) -> None:
    """Enter a format in the table."""
    FORMATS[row.name] = row


for _row in (
    ImageFormat(
        "JPEG",
        "PIL.JpegImagePlugin",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        alpha=False,
        quality=True,
        lossless=False,
        longest_side=65_500,
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
        "BMP", "PIL.BmpImagePlugin", (".bmp",), alpha=False, icc_profile=False, software=""
    ),
    ImageFormat("DIB", "PIL.BmpImagePlugin", is_written=False),
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
    ImageFormat("JPEG2000", "PIL.Jpeg2KImagePlugin", (".jp2",), is_written=False),
    ImageFormat("PPM", "PIL.PpmImagePlugin", is_written=False),
    ImageFormat(
        "AVIF",
        "PIL.AvifImagePlugin",
        (".avif",),
        quality=True,
        lossless=False,
        longest_side=32_768,
        timing=Timing(1, 2**31 - 1, is_counted=False),
        hint='an AVIF picture: pip install "pillow>=11.3"',
    ),
    ImageFormat(
        "HEIF",
        "pillow_heif.HeifImagePlugin",
        (".heic", ".heif", ".hif"),
        is_written=False,
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
):
    register(_row)

#: Pictures in formats that are not in the table, by suffix, and what to do about them.
_FOREIGN: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *(".nef", ".cr2", ".cr3", ".dng", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"),
            *(".nrw", ".crw", ".sr2", ".srf", ".dcr", ".kdc", ".3fr", ".fff", ".mef", ".mos"),
            *(".mrw", ".erf", ".x3f", ".iiq", ".rwl", ".gpr", ".raw"),
        ),
        "a camera's raw file: develop it to JPEG or TIFF first",
    ),
    **dict.fromkeys(
        (
            *(".tga", ".ico", ".icns", ".psd", ".xcf", ".pcx", ".eps", ".svg", ".exr"),
            *(".hdr", ".dds", ".sgi", ".qoi", ".xbm", ".xpm", ".wmf", ".emf"),
        ),
        "in a format that is not read: convert it to PNG first",
    ),
}
RAW_HINT = _FOREIGN[".dng"]
#: Pictures that are clips to FFmpeg, by what stands where a clip says which kind it is.
_BRANDS: Mapping[bytes, str] = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"mif1", b"msf1"), ".heic"),
    **dict.fromkeys((b"avif", b"avis"), ".avif"),
    b"crx ": ".cr3",
}


def find_format(suffix: str) -> ImageFormat | None:
    """The format that a file of this suffix should be in, if it can be read."""
    row = _row_of(suffix)
    return row if row is not None and row.is_available else None


def hint_of(suffix: str) -> str | None:
    """What a picture of this suffix is, and what to do, if its format is not read."""
    row = _row_of(suffix)
    if row is None:
        return _FOREIGN.get(suffix.lower())
    return None if row.is_available else row.hint


def hint_on(path: Path) -> str | None:
    """What a picture in a format that is not read is, and what to do, by its ending or contents."""
    known = hint_of(path.suffix)
    if known is not None or not path.is_file():
        return known
    with path.open("rb") as file:
        start = file.read(12)
    return hint_of(_BRANDS.get(start[8:], "")) if start[4:8] == b"ftyp" else None


def readable_suffixes() -> list[str]:
    """The suffixes of files that are taken for pictures when a folder is searched, sorted."""
    rows = [row for row in FORMATS.values() if row.is_available]
    return sorted(suffix for row in rows for suffix in row.suffixes)


def can_write(path: Path) -> bool:
    """Whether :func:`format_of` knows the ending of ``path``."""
    row = find_format(path.suffix)
    return row is not None and row.is_written


def format_of(path: Path) -> ImageFormat:
    """The format that a file of this name is written in. Raises ``UserError`` if there is none."""
    row = find_format(path.suffix)
    if row is None or not row.is_written:
        known = [suffix for suffix in readable_suffixes() if can_write(Path("a" + suffix))]
        raise UserError(f"cannot write {path}: use one of {', '.join(known)}")
    return row


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
