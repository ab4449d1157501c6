"""Conversion of Pillow images of any mode to RGB tensors of 8 bits, and back."""

import io
from contextlib import suppress
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageCms
from torch import Tensor

from faststyle.images.color_numbers import apply_numbers
from faststyle.images.pixels import Picture, quantize
from faststyle.images.probe import read_numbers, read_orientation, without_warnings

_TRANSPARENT = 255  # of a palette
_UNMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SAMPLED = 256  # rows, and columns, from which a palette is chosen


def pil_to_tensor(image: Image.Image) -> Tensor:
    """An RGB Pillow image as a uint8 tensor (3, H, W)."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def to_array(pixels: Tensor, bits: int = 8) -> npt.NDArray[np.uint8]:
    """A tensor (C, H, W), uint8 or in [0, 1], as a contiguous array (H, W, C) of 8 or 16 bits."""
    return np.ascontiguousarray(quantize(pixels, bits).cpu().permute(1, 2, 0).numpy())


def to_pil(pixels: Tensor) -> Image.Image:
    """A tensor (3, H, W) or (1, H, W), uint8 or in [0, 1], as a Pillow image."""
    array = to_array(pixels)
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def with_alpha(picture: Picture) -> Image.Image:
    """A picture as a Pillow image, RGB, or RGBA if it has transparency, with its profile."""
    image = to_pil(picture.pixels)
    if picture.alpha is not None:
        image.putalpha(to_pil(picture.alpha))
    if picture.icc_profile is not None:
        image.info["icc_profile"] = picture.icc_profile
    return image


def to_palette(picture: Picture) -> Image.Image:
    """A picture as a Pillow image of 255 colors, dithered, and a transparent one."""
    colors = to_pil(picture.pixels)
    # Choosing the palette from all pixels takes four times as long, for an error 3 % smaller.
    size = min(colors.width, _SAMPLED), min(colors.height, _SAMPLED)
    sample = colors.resize(size, Image.Resampling.NEAREST)
    image = colors.quantize(palette=sample.quantize(_TRANSPARENT))
    chosen = image.getpalette() or []
    image.putpalette(chosen + [0] * (768 - len(chosen)))
    if picture.alpha is not None:
        image.paste(_TRANSPARENT, mask=Image.fromarray((quantize(picture.alpha)[0] < 128).numpy()))
        image.info["transparency"] = _TRANSPARENT
    return image


def turn_upright(image: Image.Image) -> Image.Image:
    """Apply the orientation in EXIF, if there is one that can be read."""
    with without_warnings():
        method = _TURNS.get(read_orientation(image) or 1)
    return image if method is None else image.transpose(method)


def from_pil(image: Image.Image) -> Picture:
    """A decoded Pillow image of any mode as a picture of uint8, with alpha and ICC profile."""
    image = _unmultiplied(image)
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P") else None
    alpha = None
    if image.has_transparency_data:
        alpha = torch.from_numpy(np.array(image.convert("RGBA").getchannel("A")))[None]
    picture = Picture(pil_to_tensor(to_rgb(image)), alpha, profile or None)
    with without_warnings():
        numbers = read_numbers(image)
    return picture if numbers is None else apply_numbers(picture, numbers)


def as_seen(picture: Picture) -> Tensor:
    """The pixels (3, H, W), uint8, of a picture in sRGB and laid on white."""
    image = to_pil(in_srgb(picture).pixels)
    if picture.alpha is not None:
        white = Image.new("RGB", image.size, "white")
        image = Image.composite(image, white, to_pil(picture.alpha))
    return pil_to_tensor(image)


def in_srgb(picture: Picture) -> Picture:
    """The picture in sRGB, without a profile; of 8 bits, if it had one."""
    if picture.icc_profile is None:
        return picture
    image = _to_srgb(to_pil(picture.pixels), picture.icc_profile)
    return replace(picture, pixels=pil_to_tensor(image), icc_profile=None)


def to_rgb(image: Image.Image) -> Image.Image:
    """A decoded image of any mode as 8-bit RGB, without alpha."""
    if image.mode == "RGB":
        return image
    image = _unmultiplied(image)
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I") or image.mode == "F":
        image = _from_high_depth(image)
    elif image.mode == "LA":
        image = image.getchannel("L")
    if profile and image.mode in ("CMYK", "L", "LAB"):
        return _to_srgb(image, profile)
    if image.mode in ("P", "PA"):
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def _unmultiplied(image: Image.Image) -> Image.Image:
    """The image with colors that are not multiplied by alpha."""
    return image.convert(_UNMULTIPLIED[image.mode]) if image.mode in _UNMULTIPLIED else image


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    # A broken or mismatched profile: the plain conversion.
    with suppress(ImageCms.PyCMSError, OSError):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
        assert converted is not None  # only None when converting in place
        return converted
    return image.convert("RGB")


def _from_high_depth(image: Image.Image) -> Image.Image:
    """Grayscale of 16 or 32 bits (integer or float) as 8 bits over the range of its type."""
    values = np.asarray(image).astype(np.float64)
    # Pillow widens 16-bit files to mode I; floats (F) have no fixed range, so their own is taken.
    top = max(1.0, float(np.nanmax(values, initial=0.0))) if image.mode == "F" else 65535.0
    return Image.fromarray(np.clip(np.nan_to_num(values) / top * 255, 0, 255).round().astype("u1"))
