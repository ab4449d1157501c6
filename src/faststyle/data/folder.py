"""A folder of photos, searched recursively, as crops for training or validation."""

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import simplejpeg
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from faststyle import images
from faststyle.errors import UserError

#: Training crops have at least this part of the photo's short side.
LEAST_SCALE = 0.7

_ORIENTATION = 0x0112  # the EXIF tag
log = logging.getLogger(__name__)


class PhotoFolder:
    """Square crops of the photos at ``paths``, addressed by position in the folder.

    A photo that cannot be read is named once, marked for all worker processes, and replaced by the
    next one that can.
    """

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        self.paths = list(paths)
        self.size = size
        self.unreadable = torch.zeros(len(self.paths), dtype=torch.bool)
        self.unreadable.share_memory_()  # type: ignore[no-untyped-call]

    def __len__(self) -> int:
        return len(self.paths)

    def random_crop(self, index: int, generator: np.random.Generator) -> Tensor:
        """A random square, 70 to 100 % of the short side, scaled and perhaps mirrored.

        Returns uint8 (3, size, size). Raises ``UserError`` if no photo at all can be read.
        """
        scale, x, y = generator.uniform(LEAST_SCALE, 1), generator.uniform(), generator.uniform()
        mirror = generator.uniform() < 0.5
        crop = _crop(self._read(index), self.size, scale, x, y)
        return crop.flip(2) if mirror else crop

    def centre_crop(self, index: int) -> Tensor:
        """The largest centred square, scaled; uint8 (3, size, size)."""
        return _crop(self._read(index), self.size, 1, 0.5, 0.5)

    def _read(self, index: int) -> Tensor:
        for step in range(len(self.paths)):
            position = (index + step) % len(self.paths)
            if self.unreadable[position]:
                continue
            try:
                return self._decode(self.paths[position])
            except UserError as error:
                self.unreadable[position] = True
                log.warning("skipped: %s", error)
        raise UserError(f"none of the {len(self.paths)} photos could be read")

    def _decode(self, path: Path) -> Tensor:
        image = images.open_image(path)
        wanted = round(self.size / LEAST_SCALE)
        # JPEG decodes at 1/2, 1/4 or 1/8 for a fraction of the cost; never below the crop's size.
        image.draft("RGB", (wanted, wanted))
        if (pixels := _decode_plain_jpeg(image, path)) is not None:
            return pixels
        return images.to_uint8(images.to_rgb(images.decode(image, path)))


def _decode_plain_jpeg(image: Image.Image, path: Path) -> Tensor | None:
    """At the size of ``image``, in 2/3 of Pillow's time; none where Pillow has to do it (or fail).

    Colours, of which a JPEG has one for 2 x 2 pixels, are repeated instead of interpolated, which
    changes a crop by 0.14/255 in the mean.
    """
    if image.format != "JPEG" or image.mode != "RGB" or _ORIENTATION in image.getexif():
        return None
    try:
        width, height = image.size
        content = path.read_bytes()
        pixels = simplejpeg.decode_jpeg(
            content, fastupsample=True, min_height=height, min_width=width
        )
    except (ValueError, OSError):
        return None
    return torch.from_numpy(pixels).permute(2, 0, 1)


def find_photos(root: Path) -> list[Path]:
    """All picture files below ``root`` in a fixed order, symbolic links followed (once each).

    Raises ``UserError`` if the folder is missing or holds no pictures.
    """
    if not root.is_dir():
        raise UserError(f"no such photo folder: {root}; pass data.root=/path/to/photos")
    found, visited = [], set()
    for folder, children, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:
            children.clear()
            continue
        visited.add(real)
        found += [Path(folder, name) for name in names if _is_photo(name)]
    if not found:
        raise UserError(f"{root} holds no pictures ({', '.join(sorted(images.EXTENSIONS))})")
    return sorted(found)


def split(paths: Sequence[Path], root: Path, held_out: int) -> tuple[list[Path], list[Path]]:
    """Training and validation photos: held out are those whose names have the smallest hashes.

    The choice does not depend on order, and hardly changes when photos are added. At least one
    photo is left for training; where there is only one, it is used for both.
    """
    count = min(held_out, len(paths) - 1)
    if count <= 0:
        return list(paths), list(paths[:held_out])
    by_hash = sorted(paths, key=lambda path: _hash(path.relative_to(root).as_posix()))
    chosen = set(by_hash[:count])
    return [path for path in paths if path not in chosen], sorted(chosen)


def _is_photo(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in images.EXTENSIONS  # noqa: PTH122


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _crop(pixels: Tensor, size: int, scale: float, x: float, y: float) -> Tensor:
    """The square of ``scale`` times the short side, at fractions x, y of the room there is."""
    height, width = pixels.shape[1:]
    side = max(1, round(min(height, width) * scale))
    left, top = round((width - side) * x), round((height - side) * y)
    square = pixels[None, :, top : top + side, left : left + side]
    return F.interpolate(square, (size, size), mode="bilinear", antialias=True)[0]
