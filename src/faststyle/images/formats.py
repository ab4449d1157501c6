"""Which kinds of files hold pictures: what is read, what is written, and what each can hold.

Only formats that Pillow decodes in this process are read. It would hand others to programs (EPS to
Ghostscript, which a file of 100 bytes keeps busy for ever).
"""

import warnings
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from faststyle.core.errors import UserError
from faststyle.images.png import read_leniently

try:
    import pillow_heif
except ImportError:
    _HEIF: tuple[str, ...] = ()
else:
    pillow_heif.register_heif_opener()
    _HEIF = ("HEIF",)

try:
    from PIL import AvifImagePlugin
except ImportError:
    _AVIF: tuple[str, ...] = ()
else:
    _AVIF = ("AVIF",) if AvifImagePlugin.SUPPORTED else ()

_HEIF_ENDINGS = (".heic", ".heif", ".hif")

#: Pillow's names of what is read, whatever a file is called; JPEG is MPO, too.
READ = (
    *("JPEG", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "JPEG2000", "PPM"),
    *_AVIF,
    *_HEIF,
)
#: Endings of files that are taken for pictures when a folder is searched.
EXTENSIONS = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp"),
        *(".gif", ".jp2"),
        *((".avif",) if _AVIF else ()),
        *(_HEIF_ENDINGS if _HEIF else ()),
    )
)
#: Pictures in formats that are not read, by ending, and what to do about them.
FOREIGN: Mapping[str, str] = {
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
            *(".tga", ".ico", ".icns", ".psd", ".xcf", ".pcx", ".eps", ".svg", ".jxl"),
            *(".exr", ".hdr", ".dds", ".sgi", ".qoi", ".xbm", ".xpm", ".wmf", ".emf"),
        ),
        "in a format that is not read: convert it to PNG first",
    ),
    **dict.fromkeys(
        () if _HEIF else _HEIF_ENDINGS,
        'a HEIC picture: pip install "faststyle[heif]"',
    ),
    **dict.fromkeys(
        () if _AVIF else (".avif",),
        'an AVIF picture: pip install "pillow>=11.3"',
    ),
}
#: Pictures that are clips to FFmpeg, by what stands where a clip says which kind it is.
_BRANDS: Mapping[bytes, str] = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"mif1", b"msf1"), ".heic"),
    **dict.fromkeys((b"avif", b"avis"), ".avif"),
    b"crx ": ".cr3",
}
_WRITTEN: Mapping[str, str] = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
    **({".avif": "AVIF"} if _AVIF else {}),
}
#: Formats whose animations say how often they are shown: others are for ever.
COUNTED = frozenset({"GIF", "PNG", "WEBP"})
#: Formats whose animations are read and written; of others the first picture is.
ANIMATED = COUNTED.union(_AVIF)
#: Formats that take a quality from 1 to 100.
WITH_QUALITY = frozenset({"JPEG", "WEBP", "AVIF"})
#: The longest side that a format can hold, in pixels.
_LONGEST = {"JPEG": 65_500, "WEBP": 16_383, "GIF": 65_535, "AVIF": 32_768}

read_leniently()

# Of odd tags Pillow warns by lines of its code; what cannot be read is said by who reads it.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330  # tags of TIFF
_REDUCED = 1  # the subfile type of a thumbnail


def hint_on(path: Path) -> str | None:
    """What a picture in a format that is not read is, and what to do, by its ending or contents."""
    known = FOREIGN.get(path.suffix.lower())
    if known is not None or not path.is_file():
        return known
    with path.open("rb") as file:
        start = file.read(12)
    return FOREIGN.get(_BRANDS.get(start[8:], "")) if start[4:8] == b"ftyp" else None


def can_write(path: Path) -> bool:
    """Whether :func:`format_of` knows the ending of ``path``."""
    return path.suffix.lower() in _WRITTEN


def format_of(path: Path) -> str:
    """The format that a file of this name is written in. Raises ``UserError`` if there is none."""
    form = _WRITTEN.get(path.suffix.lower())
    if form is None:
        raise UserError(f"cannot write {path}: use one of {', '.join(sorted(_WRITTEN))}")
    return form


def check_fits(path: Path, height: int, width: int) -> None:
    """Raise ``UserError`` if the format of ``path`` holds no picture of so many pixels a side."""
    form = format_of(path)
    longest = _LONGEST.get(form)
    if longest is not None and max(height, width) > longest:
        raise UserError(
            f"{path}: {form} holds no more than {longest:,} pixels a side, and this is"
            f" {width:,} x {height:,}; choose .png or a smaller size"
        )


def refuse_raw(image: Image.Image, path: Path) -> None:
    """Raise ``UserError`` for a camera's raw file, which is a TIFF whose picture is a thumbnail."""
    if image.format != "TIFF":
        return
    tags = getattr(image, "tag_v2", {})
    is_thumbnail = tags.get(_SUBFILE_TYPE) == _REDUCED and _SUB_IFDS in tags
    if _DNG_VERSION in tags or is_thumbnail or _is_canon(path):
        raise UserError(f"{path} is {FOREIGN['.dng']}")


def _is_canon(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(10)[8:] == b"CR"
