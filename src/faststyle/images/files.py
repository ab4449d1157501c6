"""Reading picture files into tensors, and writing them.

Pixels are RGB float32 in [0, 1], channels first, between here and the networks. A picture that is
too large for that stays uint8, and is converted tile by tile. Of animations Pillow composes each
frame with those before it (disposal, blending), so frames are whole here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError
from faststyle.core.version import __version__
from faststyle.images import high_bit_depth
from faststyle.images.formats import ImageFormat, Timing, check_fits, format_of
from faststyle.images.metadata import XMP, make_exif, make_texts, read_metadata
from faststyle.images.pillow import from_pil, in_srgb, to_palette, to_pil, turn_upright, with_alpha
from faststyle.images.pixels import MAX_PIXELS, Picture
from faststyle.images.probe import (
    OURS,
    OpenedImage,
    forget_odd_tags,
    open_image,
    without_warnings,
)
from faststyle.images.samples import to_full_range
from faststyle.images.tiff import TiffFile

#: The quality of lossy files, from 1 to 100, if none is asked for.
USUAL_QUALITY = 95
_MOST_PLAYS = 65_535


@dataclass
class Animation:
    """Whole frames of one size, and how they are shown.

    Args:
        frames: at least one.
        durations: how long each frame is shown, in milliseconds.
        plays: how often the animation is shown; 0 is for ever.
    """

    frames: list[Picture] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    plays: int = 0


def load_picture(
    source: Path | OpenedImage, max_pixels: int = MAX_PIXELS, short_side: int = 0
) -> Picture:
    """Read a picture as :func:`load_picture_bytes`, with pixels and alpha as float32."""
    return load_picture_bytes(source, max_pixels, short_side).as_floats()


def load_picture_bytes(
    source: Path | OpenedImage, max_pixels: int = MAX_PIXELS, short_side: int = 0
) -> Picture:
    """Read a picture as uint8, upright, with alpha and ICC profile.

    What has more than 8 bits becomes float32 if the extra ``depth`` is installed. Grayscale,
    palette and CMYK files become RGB. Colors with a profile of another space than RGB are converted
    to sRGB. Colors by numbers become a profile, and high dynamic range ordinary.

    A file that is open is closed. ``max_pixels`` and ``short_side`` are those of
    :func:`faststyle.images.probe.open_image`. Raises ``UserError`` if the file cannot be opened or
    decoded, or has more pixels.
    """
    if isinstance(source, Path):
        source = open_image(source, max_pixels, short_side)
    else:
        source.limit(max_pixels, short_side)
    with source as opened:
        info = opened.info
        if (info.bit_depth == 16 or info.encoding) and high_bit_depth.is_installed():
            with _naming_damage(info.path):
                picture = high_bit_depth.decode(opened)
        elif info.encoding:
            raise UserError(f"{info.path} is {info.encoding}: {high_bit_depth.INSTALL}")
        else:
            picture = from_pil(_decode_image(opened))
        with without_warnings():
            return replace(picture, metadata=read_metadata(opened.image, picture.size))


def load_rgb(path: Path) -> Image.Image:
    """A picture as a Pillow image of 8-bit RGB, without alpha. Raises ``UserError``."""
    return to_pil(load_picture_bytes(path).pixels)


def read_frames(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[Picture, float]]:
    """Read the frames of an animation, uint8, each with its duration in milliseconds.

    The still picture that a PNG may hold for programs without animation is left out. Raises
    ``UserError`` if the file cannot be opened, or a frame is damaged.
    """
    with open_image(path, max_pixels) as opened:
        for number in range(opened.info.first_frame, opened.info.frames):
            with _naming_damage(path):
                opened.image.seek(number)
            picture = from_pil(_decode_image(opened))
            yield picture, float(opened.image.info.get("duration") or 0)


def _decode_image(opened: OpenedImage) -> Image.Image:
    """Decode and turn upright (EXIF). Raises ``UserError`` if the file is truncated or corrupt."""
    image = opened.image
    with _naming_damage(opened.info.path):
        if isinstance(image, TiffFile):  # its load() reads EXIF, too
            with without_warnings():
                forget_odd_tags(image)
        # A file of frames (GIF, TIFF) is judged by its first; load() reads all of it or fails.
        image.load()
        if image.mode == "F":  # in a file from 0 to 1
            return turn_upright(Image.fromarray(to_full_range(np.asarray(image), 32)))
    return turn_upright(image)


@contextmanager
def _naming_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (MemoryError, ImportError):
        raise
    except UserError as error:
        raise UserError(f"{path} is {error}") from None
    except Exception:  # damage raises many kinds of errors
        raise UserError(f"{path} is truncated or corrupt and cannot be decoded") from None


def save_picture(
    picture: Picture,
    path: Path,
    quality: int = USUAL_QUALITY,
    kind: str = "",
    lossless: bool = False,
) -> None:
    """Write a picture atomically in the format that the suffix of ``path`` names.

    :data:`faststyle.images.formats.FORMATS` says what each format holds. A picture with
    transparency is laid on white where a format has none, 16 bits become 8, and colors become a
    palette of 255. The file says that faststyle wrote it, if its format can.

    Args:
        picture: what is written.
        path: where.
        quality: of a lossy file, from 1 to 100.
        kind: a word for :meth:`faststyle.images.probe.ImageInfo.is_ours`.
        lossless: whether a format that can be lossy or not keeps every pixel.

    Raises:
        UserError: the suffix is unknown, the format cannot hold the picture, or the extra
            ``depth`` is missing for 16 bits.
        OSError: the file cannot be written.
    """
    row = format_of(path)
    check_fits(path, *picture.size)
    if picture.bit_depth == 16 and row.bits == 16:
        with atomic_write(path) as temporary:
            high_bit_depth.encode(picture, temporary, row.name, _software(kind))
        return
    image = _to_image(picture, row)
    with atomic_write(path) as temporary:
        image.save(temporary, row.name, **_save_options(picture, row, quality, lossless, kind))


def save_animation(
    animation: Animation, path: Path, quality: int = USUAL_QUALITY, lossless: bool = False
) -> None:
    """Write an animation as :func:`save_picture` does a picture, with the same arguments.

    Durations are rounded to the format's unit, so that the errors do not add up. Raises
    ``ValueError`` if the format has no animations.
    """
    row, frames = format_of(path), animation.frames
    timing = row.timing
    if timing is None:
        raise ValueError(f"{row} has no animations")
    check_fits(path, *frames[0].size)
    if any(frame.alpha is not None for frame in frames):  # then all of them have it
        opaque = torch.full((1, *frames[0].size), 255, dtype=torch.uint8)
        frames = [
            each if each.alpha is not None else replace(each, alpha=opaque) for each in frames
        ]
    first, *more = (_to_image(frame, row) for frame in frames)
    options = _save_options(frames[0], row, quality, lossless) | _shown(animation, timing)
    if row.palette and frames[0].alpha is not None:
        # Without disposal, transparent pixels would show the frame before. Without a transparent
        # color, which optimizing may remove, Pillow would clear a frame to another color.
        options |= {"disposal": 2, "optimize": False}
    with atomic_write(path) as temporary:
        first.save(temporary, row.name, save_all=True, append_images=more, **options)


def _shown(animation: Animation, timing: Timing) -> dict[str, Any]:
    ends = [round(end / timing.unit) for end in accumulate(animation.durations)]
    steps = (end - start for start, end in pairwise([0, *ends]))
    durations = [min(step, timing.longest) * timing.unit for step in steps]
    plays = min(animation.plays, _MOST_PLAYS)
    is_said = timing.is_counted and plays != timing.uncounted
    loop = {"loop": max(0, plays - timing.uncounted)} if is_said else {}
    return {"duration": durations, **loop}


def _to_image(picture: Picture, row: ImageFormat) -> Image.Image:
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


def _save_options(
    picture: Picture, row: ImageFormat, quality: int, lossless: bool, kind: str = ""
) -> dict[str, Any]:
    """Pillow's, for the arguments of :func:`save_picture`."""
    options: dict[str, Any] = {}
    if row.quality:
        options |= {"lossless": True} if lossless and row.lossless else {"quality": quality}
    if row.icc_profile and picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    if row.software == "comment":
        options["comment"] = _software(kind).encode()
    elif row.software == "exif":
        exif = make_exif(_software(kind), picture.metadata)
        # Pillow would read the bytes anew for a TIFF, and lose what is not ASCII.
        options["exif"] = exif if row.name == "TIFF" else exif.tobytes()
    if metadata := picture.metadata:
        xmp = metadata.xmp(picture.size)
        options |= {"dpi": metadata.dpi} if metadata.dpi else {}
        if row.name == "PNG":
            options["pnginfo"] = make_texts(metadata, picture.size)
        elif row.name == "TIFF" and xmp:
            exif[XMP] = xmp
        elif xmp:
            options["xmp"] = xmp
    return options


def _software(kind: str) -> str:
    return f"{OURS} {__version__} {kind}".rstrip()
