"""Files <-> tensors: the one place where pictures are decoded, checked and encoded.

Pixels are RGB float32 in [0, 1], channels first, everywhere between here and the networks; only
pictures too large for that stay the bytes of their file until their turn comes, tile by tile.
"""

import warnings
from pathlib import Path

from PIL import Image, ImageOps

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError
from faststyle.pictures.picture import Picture
from faststyle.pictures.pillow import from_pil, to_pil, to_rgb
from faststyle.pictures.pixels import to_unit

#: Pictures of more pixels are refused before they are decoded (a decompression bomb is small on
#: disk); 178 million is the size at which Pillow itself refuses.
MAX_PIXELS = 178_956_970

_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
#: Files that are taken for pictures when a folder is searched.
EXTENSIONS = frozenset(_FORMATS)
_WITHOUT_ALPHA = {"JPEG", "BMP"}


def open_image(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open a picture without decoding it, after checking what its header promises.

    Raises ``UserError`` if the file is missing, empty, not a picture or larger than ``max_pixels``.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns at half its limit; ours is checked below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
    except FileNotFoundError:
        raise UserError(f"no such picture: {path}") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not a picture") from None
    except Image.DecompressionBombError:
        raise UserError(f"{path}: too large a picture (over {max_pixels:,} pixels)") from None
    except PermissionError:
        raise UserError(f"{path} cannot be read: permission denied") from None
    except (OSError, ValueError, SyntaxError):
        raise UserError(f"{path} is not a picture that can be read (or is empty)") from None
    width, height = image.size
    if width * height > max_pixels:
        raise UserError(
            f"{path}: {width} x {height} is too large a picture (over {max_pixels:,} pixels)"
        )
    return image


def decode_image(image: Image.Image, path: Path) -> Image.Image:
    """Decode and turn upright (EXIF). Raises ``UserError`` if the file is truncated or corrupt."""
    try:
        # A file of frames (GIF, TIFF) is judged by its first; load() reads all of it or fails.
        image.load()
        return ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, Image.DecompressionBombError):
        raise UserError(f"{path} is truncated or corrupt and cannot be decoded") from None


def load_rgb(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open and decode a picture as 8-bit RGB, alpha dropped. Raises ``UserError``."""
    return to_rgb(decode_image(open_image(path, max_pixels), path))


def load_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture as float32; see :func:`load_picture_bytes`. Raises ``UserError``."""
    picture = load_picture_bytes(path, max_pixels)
    alpha = None if picture.alpha is None else to_unit(picture.alpha)
    return Picture(to_unit(picture.pixels), alpha, picture.icc_profile)


def load_picture_bytes(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture as uint8: EXIF orientation applied; alpha and ICC profile kept.

    Grayscale, palette, CMYK and 16-bit files become RGB; a profile of another color space than
    RGB is applied (converted to sRGB) instead of kept. Raises ``UserError``.
    """
    return from_pil(decode_image(open_image(path, max_pixels), path))


def format_of(path: Path) -> str:
    """The format that a file of this name is written in. Raises ``UserError`` if there is none."""
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise UserError(f"cannot write {path}: use one of {', '.join(sorted(_FORMATS))}")
    return form


def save_picture(picture: Picture, path: Path, quality: int = 95) -> None:
    """Write a picture atomically in the format that the suffix of ``path`` names.

    JPEG and BMP know no transparency: there the picture is laid on white. Raises ``UserError`` for
    a suffix that is not known, ``OSError`` if the folder cannot be written.
    """
    form = format_of(path)
    image = to_pil(picture.pixels)
    if picture.alpha is not None:
        image.putalpha(to_pil(picture.alpha))
        if form in _WITHOUT_ALPHA:
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image).convert("RGB")
    options: dict[str, object] = {"quality": quality} if form in ("JPEG", "WEBP") else {}
    if picture.icc_profile and form != "BMP":
        options["icc_profile"] = picture.icc_profile
    with atomic_write(path) as temporary:
        image.save(temporary, format=form, **options)
