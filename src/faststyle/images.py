"""Files <-> tensors: the one place where pictures are decoded, checked and encoded.

Pixels are RGB float32 in [0, 1], channels first, everywhere between here and the networks; only
pictures too large for that stay the bytes of their file until their turn comes, tile by tile.
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageCms, ImageOps
from torch import Tensor

from faststyle.errors import UserError
from faststyle.files import atomic_write

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
# Luma weights of ITU-R BT.601, which JPEG and old television use for brightness.
_LUMA = (0.299, 0.587, 0.114)
_WITHOUT_ALPHA = {"JPEG", "BMP"}


@dataclass(frozen=True)
class Picture:
    """A decoded picture and what has to survive the way back to a file.

    ``pixels``: (3, H, W), float32 in [0, 1] or uint8. ``alpha``: likewise (1, H, W), or none.
    ``icc_profile``: the colour profile that ``pixels`` are in, or none for sRGB.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    icc_profile: bytes | None = None


def to_unit(pixels: Tensor) -> Tensor:
    """8-bit values (uint8, any shape) as float32 in [0, 1]; what is float already stays."""
    return pixels if pixels.is_floating_point() else pixels.float().div_(255)


def to_bytes(pixels: Tensor) -> Tensor:
    """Values in [0, 1] (any shape) as uint8, clamped and rounded; what is uint8 already stays."""
    if pixels.dtype == torch.uint8:
        return pixels
    return pixels.detach().float().clamp(0, 1).mul_(255).round_().to(torch.uint8)


def to_uint8(image: Image.Image) -> Tensor:
    """An RGB Pillow image as a uint8 tensor (3, H, W)."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def to_array(pixels: Tensor) -> npt.NDArray[np.uint8]:
    """A tensor (C, H, W), uint8 or in [0, 1], as a contiguous array (H, W, C) of bytes."""
    return np.ascontiguousarray(to_bytes(pixels).cpu().permute(1, 2, 0).numpy())


def to_pil(pixels: Tensor) -> Image.Image:
    """A tensor (3, H, W) or (1, H, W), uint8 or in [0, 1], as a Pillow image."""
    array = to_array(pixels)
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def scaled_size(pixels: Tensor, short_side: int) -> tuple[int, int]:
    """Height and width of (C, H, W) once its shorter side is ``short_side``."""
    height, width = pixels.shape[-2:]
    factor = short_side / min(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def resize(pixels: Tensor, short_side: int) -> Tensor:
    """Scale (C, H, W) so that the shorter side is ``short_side``; see :func:`resample`."""
    return resample(pixels, scaled_size(pixels, short_side))


def shrink(pixels: Tensor, short_side: int) -> Tensor:
    """Scale (C, H, W) down to a shorter side of ``short_side``; a smaller picture stays."""
    return resize(pixels, min(short_side, *pixels.shape[1:]))


def resample(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale (C, H, W), uint8 or in [0, 1], to a height and width; antialiased bicubic."""
    if tuple(pixels.shape[-2:]) == size:
        return pixels
    scaled = torch.nn.functional.interpolate(pixels[None], size, mode="bicubic", antialias=True)
    return scaled[0].clamp(0, 1) if pixels.is_floating_point() else scaled[0]


def luma(pixels: Tensor) -> Tensor:
    """Brightness of RGB (N, 3, H, W), (N, 1, H, W) (ITU-R BT.601)."""
    weights = torch.tensor(_LUMA, dtype=pixels.dtype, device=pixels.device).view(1, 3, 1, 1)
    return (pixels * weights).sum(1, keepdim=True)


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio of two pictures in [0, 1], in decibels; infinite if equal."""
    return -10 * torch.log10((a - b).square().mean()).item()


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


def decode(image: Image.Image, path: Path) -> Image.Image:
    """Decode and turn upright (EXIF). Raises ``UserError`` if the file is truncated or corrupt."""
    try:
        # A file of frames (GIF, TIFF) is judged by its first; load() reads all of it or fails.
        image.load()
        return ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, Image.DecompressionBombError):
        raise UserError(f"{path} is truncated or corrupt and cannot be decoded") from None


def load_rgb(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open and decode a picture as 8-bit RGB, alpha dropped. Raises ``UserError``."""
    return to_rgb(decode(open_image(path, max_pixels), path))


def load(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture as float32; see :func:`load_bytes`. Raises ``UserError``."""
    picture = load_bytes(path, max_pixels)
    alpha = None if picture.alpha is None else to_unit(picture.alpha)
    return Picture(to_unit(picture.pixels), alpha, picture.icc_profile)


def load_bytes(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture as uint8: EXIF orientation applied; alpha and ICC profile kept.

    Greyscale, palette, CMYK and 16-bit files become RGB; a profile of another colour space than
    RGB is applied (converted to sRGB) instead of kept. Raises ``UserError``.
    """
    return from_pil(decode(open_image(path, max_pixels), path))


def from_pil(image: Image.Image) -> Picture:
    """A decoded Pillow image of any mode as a picture of uint8; see :func:`load_bytes`."""
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P") else None
    alpha = _alpha(image)
    return Picture(to_uint8(to_rgb(image)), alpha, profile or None)


def format_of(path: Path) -> str:
    """The format that a file of this name is written in. Raises ``UserError`` if there is none."""
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise UserError(f"cannot write {path}: use one of {', '.join(sorted(_FORMATS))}")
    return form


def save(picture: Picture, path: Path, quality: int = 95) -> None:
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


def _alpha(image: Image.Image) -> Tensor | None:
    if not image.has_transparency_data:
        return None
    channel = np.array(image.convert("RGBA").getchannel("A"))
    return torch.from_numpy(channel)[None]


def to_rgb(image: Image.Image) -> Image.Image:
    """Any decoded image as 8-bit RGB, alpha dropped; see :func:`load`."""
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _from_high_depth(image).convert("RGB")
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("CMYK", "L", "LAB"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            return image.convert("RGB")  # a broken or mismatched profile: the plain conversion
        assert converted is not None  # only None when converting in place
        return converted
    if image.mode in ("P", "PA", "LA", "La", "RGBa"):
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def _from_high_depth(image: Image.Image) -> Image.Image:
    """Greyscale of 16 or 32 bits (integer or float) as 8 bits over the range of its type."""
    values = np.asarray(image).astype(np.float64)
    # Pillow widens 16-bit files to mode I; floats (F) have no fixed range, so their own is taken.
    top = max(1.0, float(np.nanmax(values, initial=0.0))) if image.mode == "F" else 65535.0
    return Image.fromarray(np.clip(np.nan_to_num(values) / top * 255, 0, 255).round().astype("u1"))
