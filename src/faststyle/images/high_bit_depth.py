"""PNG and TIFF files of 16 bits a channel <-> tensors, exact to the bit.

Pillow opens such files, and keeps 8 bits of their colors. libpng and libtiff keep all: they are in
imagecodecs, and tifffile writes TIFF. Both come with the extra ``depth``.
"""

import importlib.util
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageCms, TiffImagePlugin
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.picture import Picture
from faststyle.images.pixels import quantize

#: Pillow's names of the formats that hold 16 bits a channel.
FORMATS = frozenset({"PNG", "TIFF"})
#: What brings the packages.
INSTALL = 'pip install "faststyle[depth]"'

_Samples = npt.NDArray[np.uint16]

_HEADER = 33  # bytes of a PNG up to the end of its first chunk
_LEVEL = 3  # of a PNG's compression: zlib's 6 takes up to twice the time, for 2 % less
# Tags of TIFF, and values of theirs.
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _CHANNELS, _PLANES = 256, 257, 258, 262, 277, 284
_TILE_WIDTH, _TILE_HEIGHT, _EXTRA, _KIND = 322, 323, 338, 339
_ORIENTATION = 274
_INVERTED, _GRAY, _RGB = 0, 1, 2
_SEPARATE = 2
_UNKNOWN, _PREMULTIPLIED, _PLAIN_ALPHA = 0, 1, 2
_UNSIGNED = 1
#: A tile may be larger than a small picture, and no file of a few bytes may ask for gigabytes.
_LARGEST_TILE = 4096 * 4096
#: By EXIF's orientation: which axes of (H, W) are turned round, once it is transposed from 5 on.
_FLIPS = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}


def is_installed() -> bool:
    """Whether the packages of the extra ``depth`` are here."""
    return all(importlib.util.find_spec(name) for name in ("imagecodecs", "tifffile"))


if is_installed():
    # Pillow would not open TIFF files of gray and alpha in 16 bits; it decodes only some of them.
    for _order, _raw in ((b"II", "LA;16L"), (b"MM", "LA;16B")):
        for _meaning in (_UNKNOWN, _PREMULTIPLIED, _PLAIN_ALPHA):
            _key = (_order, _GRAY, (_UNSIGNED,), 1, (16, 16), (_meaning,))
            TiffImagePlugin.OPEN_INFO.setdefault(_key, ("LA", _raw))


def require() -> None:
    """Raise ``UserError``, which says what to install, unless :func:`is_installed`."""
    if not is_installed():
        raise UserError(f"pictures of 16 bits need packages: {INSTALL}")


def is_deep(image: Image.Image, path: Path) -> bool:
    """Whether a picture that is open, but not decoded, has 16 bits that :func:`decode` keeps.

    Those of CMYK and Lab, and of numbers with a sign, are not kept.
    """
    if image.format == "PNG":
        with path.open("rb") as file:
            return file.read(25)[24:] == b"\x10"  # of the header, which is the first chunk
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    tags = image.tag_v2
    return (
        set(tags.get(_BITS, ())) == {16}
        and set(tags.get(_KIND, (_UNSIGNED,))) == {_UNSIGNED}
        and tags.get(_PHOTOMETRIC) in (_INVERTED, _GRAY, _RGB)
    )


def decode(image: Image.Image, path: Path) -> Picture:
    """Decode a picture for which :func:`is_deep` holds.

    Args:
        image: as opened, which tells its size, orientation and profile.
        path: its file.

    Returns:
        Float32 pixels of value / 65535, upright, with alpha. A profile of RGB is kept. That of a
        gray picture is applied (converted to sRGB).

    Raises:
        Exception: whatever libpng and libtiff say of damage.
    """
    read = _read_png if image.format == "PNG" else _read_tiff
    samples, has_alpha = read(image, path)
    samples = _turn_upright(samples, image)
    colors = samples[..., :-1] if has_alpha else samples
    profile = image.info.get("icc_profile") or None
    if colors.shape[-1] == 1:
        colors, profile = _gray_to_rgb(colors, profile), None
    pixels = _to_tensor(colors)
    alpha = _to_tensor(samples[..., -1:]) if has_alpha else None
    if alpha is not None and _is_premultiplied(image):
        pixels = (pixels / alpha.clamp(min=1 / 65535)).clamp_(0, 1)
    return Picture(pixels, alpha, profile, bit_depth=16)


def encode(picture: Picture, path: Path, form: str, software: str) -> None:
    """Write a file of 16 bits a channel.

    Args:
        picture: floats are rounded to the nearest of 65,536 values.
        path: where.
        form: one of :data:`FORMATS`.
        software: what the file says that it was written by.

    Raises:
        UserError: the packages for it are not installed.
        OSError: it cannot be written there.
    """
    require()
    planes = [*picture.pixels, *(() if picture.alpha is None else picture.alpha)]
    samples = np.empty((*planes[0].shape, len(planes)), np.uint16)
    for channel, plane in enumerate(planes):  # one at a time, since a large picture fills memory
        samples[..., channel] = quantize(plane, bits=16).cpu().numpy()
    write = _write_png if form == "PNG" else _write_tiff
    write(samples, path, picture.icc_profile, software)


def _read_png(image: Image.Image, path: Path) -> tuple[_Samples, bool]:
    """Samples (H, W, C), and whether the last channel is alpha."""
    import imagecodecs

    samples = imagecodecs.png_decode(path.read_bytes())  # a transparent color becomes alpha
    samples = samples.reshape(image.height, image.width, -1)
    return samples, samples.shape[2] in (2, 4)


def _read_tiff(image: Image.Image, path: Path) -> tuple[_Samples, bool]:
    """Likewise."""
    import imagecodecs

    tags = _tags(image)
    if tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_HEIGHT, 0) > _LARGEST_TILE:
        raise ValueError("the tiles are too large")
    size, channels = (tags[_HEIGHT], tags[_WIDTH]), tags.get(_CHANNELS, 1)
    shape = size if channels == 1 else (*size, channels)
    is_separate = channels > 1 and tags.get(_PLANES) == _SEPARATE
    if is_separate:
        shape = (channels, *size)
    # A file that says its size twice must not have more memory than was checked.
    samples = np.zeros(shape, np.uint16)
    imagecodecs.tiff_decode(path.read_bytes(), index=0, out=samples)
    samples = np.moveaxis(samples, 0, -1) if is_separate else samples.reshape(*size, channels)
    if tags[_PHOTOMETRIC] == _INVERTED:
        samples[..., 0] ^= 0xFFFF
    colors = 3 if tags[_PHOTOMETRIC] == _RGB else 1
    has_alpha = channels > colors and _extra(image) != _UNKNOWN
    return samples[..., : colors + has_alpha], has_alpha


def _tags(image: Image.Image) -> Any:
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    return image.tag_v2


def _extra(image: Image.Image) -> int | None:
    """What the first channel after the colors of a TIFF is; none where it does not say."""
    kinds = _tags(image).get(_EXTRA, ())
    return kinds[0] if kinds else None


def _is_premultiplied(image: Image.Image) -> bool:
    return image.format == "TIFF" and _extra(image) == _PREMULTIPLIED


def _turn_upright(samples: _Samples, image: Image.Image) -> _Samples:
    """As :func:`faststyle.images.pillow.turn_upright`."""
    try:
        orientation = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # as there
        return samples
    if 5 <= orientation <= 8:
        samples = samples.swapaxes(0, 1)
    return np.flip(samples, _FLIPS.get(orientation, ()))


def _gray_to_rgb(gray: _Samples, profile: bytes | None) -> _Samples:
    """(H, W, 1) as (H, W, 3), by its profile if that is one of gray."""
    import imagecodecs

    if profile is not None:
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        try:
            converted: _Samples = imagecodecs.cms_transform(
                gray[..., 0].copy(),
                profile,
                srgb,
                colorspace="gray",
                outcolorspace="rgb",
            )
        except imagecodecs.CmsError:
            return gray.repeat(3, axis=2)  # a broken or mismatched profile: the plain conversion
        return converted
    return gray.repeat(3, axis=2)


def _to_tensor(samples: _Samples) -> Tensor:
    """(H, W, C) as (C, H, W), float32 in [0, 1]."""
    return torch.from_numpy(np.moveaxis(samples, -1, 0).astype(np.float32, order="C")).div_(65535)


def _write_png(samples: _Samples, path: Path, profile: bytes | None, software: str) -> None:
    import imagecodecs

    content = memoryview(imagecodecs.png_encode(samples, level=_LEVEL))
    exif = Image.Exif()
    exif[0x0131] = software
    with path.open("wb") as file:
        file.write(content[:_HEADER])
        if profile is not None:
            file.write(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)))
        file.write(_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
        file.write(content[_HEADER:])


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _write_tiff(samples: _Samples, path: Path, profile: bytes | None, software: str) -> None:
    import tifffile

    tifffile.imwrite(
        path,
        samples,
        photometric="rgb",
        extrasamples=["unassalpha"] if samples.shape[2] == 4 else None,
        iccprofile=profile,
        software=software,
        metadata=None,  # none of tifffile's own
    )
