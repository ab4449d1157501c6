"""A folder of photos, searched recursively, as crops for training or validation."""

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faststyle import images
from faststyle.errors import UserError

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
        scale, x, y = generator.uniform(0.7, 1), generator.uniform(), generator.uniform()
        mirror = generator.uniform() < 0.5
        crop = _crop(self._read(index), self.size, scale, x, y)
        return images.to_uint8(crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirror else crop)

    def centre_crop(self, index: int) -> Tensor:
        """The largest centred square, scaled; uint8 (3, size, size)."""
        return images.to_uint8(_crop(self._read(index), self.size, 1, 0.5, 0.5))

    def _read(self, index: int) -> Image.Image:
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

    def _decode(self, path: Path) -> Image.Image:
        image = images.open_image(path)
        # JPEG decodes at 1/2, 1/4 or 1/8 for a fraction of the cost; never below the crop's size.
        image.draft("RGB", (round(self.size / 0.7), round(self.size / 0.7)))
        return images.to_rgb(images.decode(image, path))


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


def _crop(image: Image.Image, size: int, scale: float, x: float, y: float) -> Image.Image:
    """The square of ``scale`` times the short side, at fractions x, y of the room there is."""
    side = max(1.0, min(image.size) * scale)
    left, top = (image.width - side) * x, (image.height - side) * y
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
