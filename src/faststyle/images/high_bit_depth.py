"""Reading and writing PNG and TIFF files of 16 bits a channel, exact to the bit.

Pillow keeps 8 bits of color. libpng and libtiff, which are in imagecodecs, keep all, and tifffile
writes TIFF. Both packages come with the extra ``depth``.
"""

import importlib.util
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageCms
from PIL.PngImagePlugin import putchunk
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images import tiff
from faststyle.images.pixels import Picture, quantize
from faststyle.images.probe import SOFTWARE, TRANSPOSED, OpenedImage
from faststyle.images.tiff import TiffFile

#: The command that installs the packages.
INSTALL = 'pip install "faststyle[depth]"'

_Samples = npt.NDArray[np.uint16]

_HEADER = 33  # bytes of a PNG up to the end of its first chunk
_LEVEL = 3  # of a PNG's compression: zlib's 6 takes up to twice the time, for 2 % less
_CHANNELS, _PLANES, _TILE_WIDTH, _TILE_HEIGHT = 277, 284, 322, 323  # tags of TIFF
_SEPARATE = 2
#: The most pixels of a tile: it may exceed a small picture, and a small file must not ask for
#: gigabytes.
_LARGEST_TILE = 4096 * 4096
#: The axes of (H, W) to flip, by EXIF's orientation; from 5 on they are exchanged before.
_FLIPS = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}


def is_installed() -> bool:
    """Whether the packages of the extra ``depth`` are installed."""
    return all(importlib.util.find_spec(name) for name in ("imagecodecs", "tifffile"))


def require() -> None:
    """Raise ``UserError``, which says what to install, unless :func:`is_installed`."""
    if not is_installed():
        raise UserError(f"pictures of 16 bits need packages: {INSTALL}")


def decode(opened: OpenedImage) -> Picture:
    """Decode a picture whose ``bit_depth`` is 16.

    Pixels and alpha are float32, value / 65535, upright. A profile of RGB is kept. Gray with a
    profile is converted to sRGB. Damage raises exceptions of libpng's or libtiff's.
    """
    import imagecodecs

    image = opened.image
    opened.file.seek(0)
    content = opened.file.read()
    if isinstance(image, TiffFile):
        samples, has_alpha = _read_tiff(image, content)
    else:
        decoded: _Samples = imagecodecs.png_decode(content)  # a transparent color becomes alpha
        samples = decoded.reshape(image.height, image.width, -1)
        has_alpha = samples.shape[2] in (2, 4)
    if opened.info.orientation in TRANSPOSED:
        samples = samples.swapaxes(0, 1)
    samples = np.flip(samples, _FLIPS.get(opened.info.orientation or 1, ()))
    colors = samples[..., :-1] if has_alpha else samples
    profile = image.info.get("icc_profile") or None
    if colors.shape[-1] == 1:
        colors, profile = _gray_to_rgb(colors, profile), None
    pixels = _to_tensor(colors)
    alpha = _to_tensor(samples[..., -1:]) if has_alpha else None
    if alpha is not None and isinstance(image, TiffFile) and image.extra == tiff.PREMULTIPLIED:
        pixels = (pixels / alpha.clamp(min=1 / 65535)).clamp_(0, 1)
    return Picture(pixels, alpha, profile, bit_depth=16)


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
    write(samples, path, picture.icc_profile, software)


def _read_tiff(image: TiffFile, content: bytes) -> tuple[_Samples, bool]:
    """Samples (H, W, C), and whether the last channel is alpha."""
    import imagecodecs

    tags = image.tag_v2
    if tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_HEIGHT, 0) > _LARGEST_TILE:
        raise ValueError("the tiles are too large")
    width, height = image.stored_size
    channels = tags.get(_CHANNELS, 1)
    shape = (height, width) if channels == 1 else (height, width, channels)
    is_separate = channels > 1 and tags.get(_PLANES) == _SEPARATE
    if is_separate:
        shape = (channels, height, width)
    # A file that says its size twice must not have more memory than was checked.
    samples = np.zeros(shape, np.uint16)
    imagecodecs.tiff_decode(content, index=0, out=samples)
    samples = np.moveaxis(samples, 0, -1) if is_separate else samples
    samples = samples.reshape(height, width, channels)
    if tags[tiff.PHOTOMETRIC] == tiff.INVERTED:
        samples[..., 0] ^= 0xFFFF
    colors = 3 if tags[tiff.PHOTOMETRIC] == tiff.RGB else 1
    has_alpha = channels > colors and image.extra != tiff.UNKNOWN
    return samples[..., : colors + has_alpha], has_alpha


def _gray_to_rgb(gray: _Samples, profile: bytes | None) -> _Samples:
    """(H, W, 1) as (H, W, 3), by its profile if that is one of gray."""
    import imagecodecs

    if profile is not None:
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        # A broken or mismatched profile: the plain conversion.
        with suppress(imagecodecs.CmsError):
            converted: _Samples = imagecodecs.cms_transform(
                gray[..., 0].copy(), profile, srgb, colorspace="gray", outcolorspace="rgb"
            )
            return converted
    return gray.repeat(3, axis=2)


def _to_tensor(samples: _Samples) -> Tensor:
    """(H, W, C) as (C, H, W), float32 in [0, 1]."""
    return torch.from_numpy(np.moveaxis(samples, -1, 0).astype(np.float32, order="C")).div_(65535)


def _write_png(samples: _Samples, path: Path, profile: bytes | None, software: str) -> None:
    import imagecodecs

    content = memoryview(imagecodecs.png_encode(samples, level=_LEVEL))
    exif = Image.Exif()
    exif[SOFTWARE] = software
    with path.open("wb") as file:
        file.write(content[:_HEADER])
        if profile is not None:
            putchunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))
        putchunk(file, b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
        file.write(content[_HEADER:])


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
