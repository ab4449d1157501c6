"""Reading what Pillow cannot, and writing PNG and TIFF files of 16 bits, exact to the bit.

Pillow keeps 8 bits of color, and knows few kinds of TIFF. imagecodecs, which has libpng, OpenJPEG
and libjpeg-turbo, and tifffile know all. Both packages come with the extra ``depth``.
"""

import importlib.util
import struct
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import ImageCms
from PIL.PngImagePlugin import putchunk
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.color_numbers import D50, PRIMARIES, apply_numbers, to_d50
from faststyle.images.hdr import BT709
from faststyle.images.metadata import XMP, Metadata, make_exif, make_texts
from faststyle.images.pixels import Picture, quantize
from faststyle.images.probe import TRANSPOSED, OpenedImage, read_numbers
from faststyle.images.samples import SampledFile, Values

#: The command that installs the packages.
INSTALL = 'pip install "faststyle[depth]"'

_HEADER = 33  # bytes of a PNG up to the end of its first chunk
_LEVEL = 3  # of a PNG's compression: zlib's 6 takes up to twice the time, for 2 % less
#: The axes of (H, W) to flip, by EXIF's orientation; from 5 on they are exchanged before.
_FLIPS = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
#: Modes that have profiles, as imagecodecs calls them.
_LCMS = {"L": "gray", "CMYK": "cmyk"}
_METER = 0.0254  # inches
#: Tags whose bytes are not text: those of Windows, and a comment.
_NO_TEXTS = {*range(0x9C9B, 0x9CA0), 0x9286}


def is_installed() -> bool:
    """Whether the packages of the extra ``depth`` are installed."""
    return all(importlib.util.find_spec(name) for name in ("imagecodecs", "tifffile"))


def require() -> None:
    """Raise ``UserError``, which says what to install, unless :func:`is_installed`."""
    if not is_installed():
        raise UserError(f"pictures of 16 bits need packages: {INSTALL}")


def decode(opened: OpenedImage) -> Picture:
    """Decode a picture whose ``bit_depth`` is 16, or whose ``encoding`` Pillow cannot decode.

    Of 16 bits, pixels and alpha are float32, value / 65535, else uint8; they are upright. A profile
    of RGB is kept. Other colors are converted to sRGB. Damage raises exceptions of the decoders'.
    """
    image = opened.image
    assert isinstance(image, SampledFile)
    opened.file.seek(0)
    samples = image.read_samples(opened.file)
    values = samples.values
    if opened.info.orientation in TRANSPOSED:
        values = values.swapaxes(0, 1)
    values = np.flip(values, _FLIPS.get(opened.info.orientation or 1, ()))
    colors = values[..., : len(samples.mode)]
    profile = image.info.get("icc_profile") or None
    if samples.mode != "RGB":
        colors, profile = _to_rgb(colors, samples.mode, profile), None
    pixels = _to_tensor(colors)
    alpha = _to_tensor(values[..., -1:]) if samples.has_alpha else None
    if alpha is not None and samples.is_premultiplied:
        pixels = (pixels / alpha.clamp(min=1 / 65535)).clamp_(0, 1)
    picture = Picture(pixels, alpha, profile, bit_depth=16)
    if (numbers := read_numbers(image)) is not None:
        picture = apply_numbers(picture, numbers)
    if opened.info.bit_depth == 16:
        return picture
    alpha = None if alpha is None else quantize(alpha)
    return replace(picture, pixels=quantize(picture.pixels), alpha=alpha, bit_depth=8)


def encode(picture: Picture, path: Path, name: str, software: str) -> None:
    """Write a file of 16 bits a channel; floats are rounded to the nearest of 65,536 values.

    ``name`` is Pillow's name of the format, PNG or TIFF, and ``software`` what the file says it was
    written by. Raises ``UserError`` if the packages are not installed, and ``OSError``.
    """
    require()
    planes = [*picture.pixels, *(() if picture.alpha is None else picture.alpha)]
    samples = np.empty((*planes[0].shape, len(planes)), np.uint16)
    for channel, plane in enumerate(planes):  # one at a time, since a large picture fills memory
        samples[..., channel] = quantize(plane, bits=16).cpu().numpy()
    write = _write_png if name == "PNG" else _write_tiff
    write(samples, path, picture, software)


def _to_rgb(values: Values, mode: str, profile: bytes | None) -> Values:
    """Colors (H, W, C) of another mode as RGB, by their profile if it is one of that mode."""
    import imagecodecs

    if profile is not None and mode in _LCMS:
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        # A broken or mismatched profile: the plain conversion.
        with suppress(imagecodecs.CmsError):
            plain = values[..., 0] if mode == "L" else values
            converted: Values = imagecodecs.cms_transform(
                plain.copy(), profile, srgb, colorspace=_LCMS[mode], outcolorspace="rgb"
            )
            return converted
    if mode == "L":
        return values.repeat(3, axis=2)
    largest = np.iinfo(values.dtype).max
    if mode == "LAB":
        rgb = _lab_to_srgb(values.astype(np.float32) / (1 if largest == 255 else 256))
    else:
        units = values / np.float32(largest)
        rgb = (1 - units[..., :3]) * (1 - units[..., 3:])
    return (rgb * largest).round().astype(values.dtype)


def _lab_to_srgb(lab: Values) -> Values:
    """CIE L*a*b* of D50, of 256 levels, 0 of a and b being 128, as sRGB in [0, 1]."""
    light = (lab[..., 0] * (100 / 255) + 16) / 116
    a, b = lab[..., 1] - 128, lab[..., 2] - 128
    cubes = np.stack([light + a / 500, light, light - b / 200], axis=-1)
    xyz = np.where(cubes > 6 / 29, cubes**3, (cubes - 4 / 29) * 3 * (6 / 29) ** 2) * D50
    linear = np.clip(xyz @ np.linalg.inv(to_d50(PRIMARIES[BT709])).T, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def _to_tensor(values: Values) -> Tensor:
    """(H, W, C) as (C, H, W), float32 in [0, 1]."""
    units = np.moveaxis(values, -1, 0).astype(np.float32, order="C")
    return torch.from_numpy(units).div_(np.iinfo(values.dtype).max)


def _write_png(samples: Values, path: Path, picture: Picture, software: str) -> None:
    import imagecodecs

    content = memoryview(imagecodecs.png_encode(samples, level=_LEVEL))
    metadata = picture.metadata or Metadata(picture.size)
    exif = make_exif(software, metadata).tobytes().removeprefix(b"Exif\0\0")
    with path.open("wb") as file:
        file.write(content[:_HEADER])
        if picture.icc_profile is not None:
            putchunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(picture.icc_profile))
        if metadata.dpi is not None:
            x, y = (round(each / _METER) for each in metadata.dpi)
            putchunk(file, b"pHYs", struct.pack(">IIB", x, y, 1))
        for kind, data, _ in make_texts(metadata, picture.size).chunks:
            putchunk(file, kind, data)
        putchunk(file, b"eXIf", exif)
        file.write(content[_HEADER:])


def _write_tiff(samples: Values, path: Path, picture: Picture, software: str) -> None:
    import tifffile

    metadata = picture.metadata or Metadata(picture.size)
    texts = {**metadata.tags, **metadata.exif}  # TIFF/EP has all in one place
    tags = [
        (tag, 2, 0, value.encode() if isinstance(value, str) else value, True)
        for tag, value in texts.items()
        if isinstance(value, str | bytes) and tag not in _NO_TEXTS
    ]
    if xmp := metadata.xmp(picture.size):
        tags.append((XMP, 1, len(xmp), xmp, True))
    tifffile.imwrite(
        path,
        samples,
        photometric="rgb",
        extrasamples=["unassalpha"] if samples.shape[2] == 4 else None,
        iccprofile=picture.icc_profile,
        resolution=metadata.dpi,
        resolutionunit="inch" if metadata.dpi else None,
        software=software,
        extratags=tags,
        metadata=None,  # none of tifffile's own
    )
