"""Picture files <-> tensors: where they are decoded and encoded.

Pixels are RGB float32 in [0, 1], channels first, everywhere between here and the networks; only
pictures too large for that stay the bytes of their file until their turn comes, tile by tile.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError
from faststyle.core.version import __version__
from faststyle.images import high_bit_depth
from faststyle.images.exif import SOFTWARE, forget_odd_tags, without_warnings
from faststyle.images.formats import ImageFormat, check_fits, format_of
from faststyle.images.picture import Picture
from faststyle.images.pillow import from_pil, in_srgb, to_palette, to_rgb, turn_upright, with_alpha
from faststyle.images.pixels import MAX_PIXELS, to_unit
from faststyle.images.probe import OURS, OpenedImage, open_image
from faststyle.images.tiff import TiffFile

#: Of lossy files, from 1 to 100.
USUAL_QUALITY = 95


def load_picture(
    source: Path | OpenedImage, max_pixels: int = MAX_PIXELS, short_side: int = 0
) -> Picture:
    """Read a picture as float32; see :func:`load_picture_bytes`. Raises ``UserError``."""
    picture = load_picture_bytes(source, max_pixels, short_side)
    alpha = None if picture.alpha is None else to_unit(picture.alpha)
    return replace(picture, pixels=to_unit(picture.pixels), alpha=alpha)


def load_picture_bytes(
    source: Path | OpenedImage, max_pixels: int = MAX_PIXELS, short_side: int = 0
) -> Picture:
    """Read a picture as uint8: EXIF orientation applied; alpha and ICC profile kept.

    Of PNG and TIFF files of 16 bits it is float32, where the extra ``depth`` is installed.
    Grayscale, palette and CMYK files become RGB; a profile of another color space than RGB is
    applied (converted to sRGB) instead of kept. A file that was opened already is closed. Other
    arguments and errors are those of :func:`faststyle.images.probe.open_image`.
    """
    with _opened(source, max_pixels, short_side) as opened:
        if opened.info.bit_depth == 16 and high_bit_depth.is_installed():
            with naming_damage(opened.info.path):
                return high_bit_depth.decode(opened)
        return from_pil(decode_image(opened))


def load_rgb(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open and decode a picture as 8-bit RGB, alpha dropped. Raises ``UserError``."""
    with open_image(path, max_pixels) as opened:
        return to_rgb(decode_image(opened))


def decode_image(opened: OpenedImage) -> Image.Image:
    """Decode and turn upright (EXIF). Raises ``UserError`` if the file is truncated or corrupt."""
    image = opened.image
    with naming_damage(opened.info.path):
        if isinstance(image, TiffFile):  # whose load() reads EXIF, too
            with without_warnings():
                forget_odd_tags(image)
        # A file of frames (GIF, TIFF) is judged by its first; load() reads all of it or fails.
        image.load()
    return turn_upright(image)


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Raise ``UserError`` for whatever Pillow trips over in the pixels of a file."""
    try:
        yield
    except (MemoryError, ImportError):
        raise
    except Exception:  # Pillow trips over damage in a dozen different ways
        raise UserError(f"{path} is truncated or corrupt and cannot be decoded") from None


def _opened(source: Path | OpenedImage, max_pixels: int, short_side: int) -> OpenedImage:
    if isinstance(source, Path):
        return open_image(source, max_pixels, short_side)
    source.limit(max_pixels, short_side)
    return source


def save_picture(
    picture: Picture,
    path: Path,
    quality: int = USUAL_QUALITY,
    kind: str = "",
    lossless: bool = False,
) -> None:
    """Write a picture atomically in the format that the suffix of ``path`` names.

    JPEG and BMP know no transparency: there the picture is laid on white. GIF knows 255 colors and
    full transparency. A picture of 16 bits has 8 in other formats than PNG and TIFF. The file says
    that faststyle made it.

    Args:
        picture: what to write.
        path: where.
        quality: of JPEG, AVIF, and WebP with losses, from 1 to 100.
        kind: which kind of thing it is (:meth:`faststyle.images.probe.ImageInfo.is_ours`).
        lossless: of WebP: whether every pixel is kept.

    Raises:
        UserError: a suffix that is not known, or a picture that the format cannot hold; 16 bits
            without the extra ``depth``.
        OSError: it cannot be written there.
    """
    row = format_of(path)
    check_fits(path, *picture.pixels.shape[1:])
    if picture.bit_depth == 16 and row.bits == 16:
        with atomic_write(path) as temporary:
            high_bit_depth.encode(picture, temporary, row.name, _software(kind))
        return
    image = to_image(picture, row)
    with atomic_write(path) as temporary:
        image.save(temporary, row.name, **save_options(picture, row, quality, lossless, kind))


def to_image(picture: Picture, row: ImageFormat) -> Image.Image:
    """A picture as a Pillow image that a format can hold."""
    if not row.icc_profile:
        picture = in_srgb(picture)
    if row.palette:
        return to_palette(picture)
    image = with_alpha(picture)
    if image.mode == "RGBA" and not row.alpha:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image


def save_options(
    picture: Picture, row: ImageFormat, quality: int, lossless: bool, kind: str = ""
) -> dict[str, Any]:
    """What to tell Pillow beside the pixels; arguments are those of :func:`save_picture`."""
    options: dict[str, Any] = {}
    if row.quality:
        options |= {"lossless": True} if lossless and row.lossless else {"quality": quality}
    if row.icc_profile and picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    if row.software == "comment":
        options["comment"] = _software(kind).encode()
    elif row.software == "exif":
        exif = Image.Exif()
        exif[SOFTWARE] = _software(kind)
        options["exif"] = exif.tobytes()
    return options


def _software(kind: str) -> str:
    return f"{OURS} {__version__} {kind}".rstrip()
