"""Files <-> tensors: the one place where pictures are decoded, checked and encoded.

Pixels are RGB float32 in [0, 1], channels first, everywhere between here and the networks; only
pictures too large for that stay the bytes of their file until their turn comes, tile by tile.
"""

import sys
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
from faststyle.images.formats import (
    READ,
    WITH_QUALITY,
    check_fits,
    format_of,
    hint_on,
    refuse_raw,
)
from faststyle.images.picture import Picture
from faststyle.images.pillow import (
    forget_odd_exif,
    from_pil,
    in_srgb,
    to_palette,
    to_rgb,
    turn_upright,
    with_alpha,
)
from faststyle.images.pixels import to_unit

#: Pictures of more pixels are refused before they are decoded (a decompression bomb is small on
#: disk), unless more are asked for.
MAX_PIXELS = 178_956_970

#: Of JPEG, WebP and AVIF files, from 1 to 100.
USUAL_QUALITY = 95

_SOFTWARE, _OURS = 0x0131, "faststyle"  # the EXIF tag, and how its value begins
_WITHOUT_ALPHA = {"JPEG", "BMP"}
_WITHOUT_PROFILE = {"GIF", "BMP"}


class TooLargeError(UserError):
    """A picture that is larger than was allowed."""


def open_image(path: Path, max_pixels: int = MAX_PIXELS, short_side: int = 0) -> Image.Image:
    """Open a picture without decoding it, after checking what its header promises.

    Args:
        path: a file; what is in it counts, and not its name.
        max_pixels: the largest that is opened.
        short_side: of a JPEG that is larger: no more pixels are wanted, so that it may be decoded
            at 1/2, 1/4 or 1/8.

    Raises:
        UserError: the file is missing, empty, or no picture of a format in
            :data:`faststyle.images.formats.READ`.
        TooLargeError: it is larger than ``max_pixels``.
    """
    try:
        image = _open(path)
        refuse_raw(image, path)
    except (UserError, MemoryError):
        raise
    except FileNotFoundError:
        raise UserError(f"no such picture: {path}") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not a picture") from None
    except PermissionError:
        raise UserError(f"{path} cannot be read: permission denied") from None
    except Exception:  # Pillow trips over damage in a dozen different ways
        hint = hint_on(path)
        problem = f"is {hint}" if hint else "is not a picture that can be read (or is empty)"
        raise UserError(f"{path} {problem}") from None
    if short_side and image.width * image.height > max_pixels:
        image.draft(image.mode, (short_side, short_side))
    width, height = image.size
    if width * height > max_pixels:
        raise TooLargeError(
            f"{path}: {width} x {height} is too large a picture (over {max_pixels:,} pixels)"
        )
    return image


def _open(path: Path) -> Image.Image:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UserError(f"{path} is no file, but a pipe or a device")
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # open_image has its own
    try:
        return Image.open(path, formats=READ)
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def decode_image(image: Image.Image, path: Path) -> Image.Image:
    """Decode and turn upright (EXIF). Raises ``UserError`` if the file is truncated or corrupt."""
    if image.format == "TIFF":  # whose load() reads EXIF, too
        forget_odd_exif(image)
    with naming_damage(path):
        # A file of frames (GIF, TIFF) is judged by its first; load() reads all of it or fails.
        image.load()
    forget_odd_exif(image)
    return turn_upright(image)


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Raise ``UserError`` for whatever Pillow trips over in the pixels of a file."""
    try:
        yield
    except (MemoryError, ImportError):
        raise
    except Exception:  # as above
        raise UserError(f"{path} is truncated or corrupt and cannot be decoded") from None


def load_rgb(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open and decode a picture as 8-bit RGB, alpha dropped. Raises ``UserError``."""
    return to_rgb(decode_image(open_image(path, max_pixels), path))


def load_picture(path: Path, max_pixels: int = MAX_PIXELS, short_side: int = 0) -> Picture:
    """Read a picture as float32; see :func:`load_picture_bytes`. Raises ``UserError``."""
    picture = load_picture_bytes(path, max_pixels, short_side)
    alpha = None if picture.alpha is None else to_unit(picture.alpha)
    return replace(picture, pixels=to_unit(picture.pixels), alpha=alpha)


def load_picture_bytes(path: Path, max_pixels: int = MAX_PIXELS, short_side: int = 0) -> Picture:
    """Read a picture as uint8: EXIF orientation applied; alpha and ICC profile kept.

    Of PNG and TIFF files of 16 bits it is float32, where the extra ``depth`` is installed.
    Grayscale, palette and CMYK files become RGB; a profile of another color space than RGB is
    applied (converted to sRGB) instead of kept. Arguments and errors are those of
    :func:`open_image`.
    """
    with open_image(path, max_pixels, short_side) as image:
        if high_bit_depth.is_installed() and high_bit_depth.is_deep(image, path):
            with naming_damage(path):
                return high_bit_depth.decode(image, path)
        return from_pil(decode_image(image, path))


def loses_depth(path: Path) -> bool:
    """Whether a file has 16 bits, of which only 8 are read for want of the extra ``depth``.

    Raises ``UserError`` as :func:`open_image`.
    """
    return not high_bit_depth.is_installed() and high_bit_depth.is_deep(
        open_image(path, sys.maxsize), path
    )


def picture_format(path: Path) -> str | None:
    """Pillow's name of the format that ``path`` is in, whatever it is called; none if of none."""
    try:
        return _open(path).format
    except Exception:  # as above
        return None


def is_picture(path: Path) -> bool:
    """Whether :func:`open_image` takes a file, whatever it is called."""
    try:
        open_image(path, max_pixels=sys.maxsize).close()
    except Exception:  # as above
        return False
    return True


def is_ours(path: Path, kind: str = "") -> bool:
    """Whether :func:`save_picture` wrote the file, as that ``kind`` if one is given."""
    try:
        image = _open(path)
        if image.format == "GIF":
            software = str(image.info.get("comment", b""), "ascii")
        else:
            software = str(image.getexif().get(_SOFTWARE, ""))
        return software.startswith(_OURS) and software.endswith(kind)
    except Exception:  # as above
        return False


def count_frames(path: Path) -> int:
    """How many pictures a file shows one after another, or as pages.

    Those behind a phone's photo (MPO) are depth and brightness, and do not count.

    Raises ``UserError`` as :func:`open_image`.
    """
    image = open_image(path, max_pixels=sys.maxsize)
    try:
        return 1 if image.format in ("JPEG", "MPO") else int(getattr(image, "n_frames", 1))
    except Exception:
        return 1  # the first was read


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
        kind: which kind of thing it is (:func:`is_ours`).
        lossless: of WebP: whether every pixel is kept.

    Raises:
        UserError: a suffix that is not known, or a picture that the format cannot hold; 16 bits
            without the extra ``depth``.
        OSError: it cannot be written there.
    """
    form = format_of(path)
    check_fits(path, *picture.pixels.shape[1:])
    if picture.bit_depth == 16 and form in high_bit_depth.FORMATS:
        with atomic_write(path) as temporary:
            high_bit_depth.encode(picture, temporary, form, _software(kind))
        return
    if form in _WITHOUT_PROFILE:
        picture = in_srgb(picture)
    image = to_palette(picture) if form == "GIF" else with_alpha(picture)
    if image.mode == "RGBA" and form in _WITHOUT_ALPHA:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    options = description(form, kind)
    if form == "WEBP" and lossless:
        options["lossless"] = True
    elif form in WITH_QUALITY:
        options["quality"] = quality
    if picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    with atomic_write(path) as temporary:
        image.save(temporary, format=form, **options)


def description(form: str, kind: str = "") -> dict[str, Any]:
    """What to tell Pillow, so that a file says that faststyle made it; BMP cannot."""
    if form == "BMP":
        return {}
    if form == "GIF":
        return {"comment": _software(kind).encode()}
    exif = Image.Exif()
    exif[_SOFTWARE] = _software(kind)
    return {"exif": exif}


def _software(kind: str) -> str:
    return f"{_OURS} {__version__} {kind}".rstrip()
