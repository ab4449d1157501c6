"""A folder of photos, searched recursively, as crops for training or validation."""

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import simplejpeg
import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.data.shards import ShardSource, is_sharded
from faststyle.data.source import (
    MIN_CROP_SCALE,
    SOURCES,
    DataSpec,
    DataSplits,
    PhotoSet,
    PhotoSource,
)
from faststyle.images.files import load_picture_bytes
from faststyle.images.folders import find_pictures
from faststyle.images.formats import readable_suffixes
from faststyle.images.pixels import quantize
from faststyle.images.probe import OpenedImage, open_image

log = logging.getLogger(__name__)


@SOURCES.register("root")
class FolderSource(PhotoSource):
    """All photos in ``root``, searched recursively. Raises ``UserError`` if it is no folder."""

    rank = 2

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser()
        _check_folder(self.root)

    @classmethod
    def from_setting(cls, value: str) -> PhotoSource:
        """The folder, or else the shards, at ``value``. Raises ``UserError`` if that is empty."""
        if not value:  # it would be the working folder
            raise UserError("data.root is empty: pass data.root=/path/to/photos")
        return ShardSource(value) if is_sharded(value) else cls(Path(value))

    def open(self, request: DataSpec) -> DataSplits:
        """Split off the held-out photos and make sure that some can be read."""
        train, held_out = split(find_photos(self.root), self.root, request.held_out)
        opened = DataSplits(PhotoFolder(train, request.size), PhotoFolder(held_out, request.size))
        opened.train.center_crop(0)
        log.info("%d photos to train on, %d held out, in %s", len(train), len(held_out), self.root)
        return opened


class PhotoFolder(PhotoSet):
    """Crops of the photos at ``paths``, addressed by position in the folder."""

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        super().__init__(len(paths), size)
        self.paths = list(paths)

    def decode(self, position: int) -> Tensor:
        """The photo at a position, with the short side that the largest crop needs."""
        return read_photo(self.paths[position], round(self.size / MIN_CROP_SCALE))


def read_photo(path: Path, short_side: int) -> Tensor:
    """A photo, uint8 (3, H, W), upright, with sides of ``short_side`` or more if it has them.

    Raises ``UserError`` if it cannot be read.
    """
    with open_image(path) as opened:
        # JPEG decodes at 1/2, 1/4 or 1/8 for a fraction of the cost; never below what is wanted.
        opened.image.draft("RGB", (short_side, short_side))
        if (pixels := _decode_plain_jpeg(opened)) is not None:
            return pixels
        return quantize(load_picture_bytes(opened).pixels)


def _decode_plain_jpeg(opened: OpenedImage) -> Tensor | None:
    """At the size of the image, in 2/3 of Pillow's time; none where Pillow has to do it (or fail).

    Colors, of which a JPEG has one for 2 x 2 pixels, are repeated instead of interpolated, which
    changes a crop by 0.14/255 in the mean.
    """
    image = opened.image
    if (
        opened.info.encoding
        or image.format != "JPEG"
        or image.mode != "RGB"
        or opened.info.orientation is not None
    ):
        return None
    width, height = image.size
    try:
        opened.file.seek(0)
        least = {"min_height": height, "min_width": width}
        pixels = simplejpeg.decode_jpeg(opened.file.read(), fastupsample=True, **least)
    except Exception:  # any damage: Pillow says what it is
        return None
    return torch.from_numpy(pixels).permute(2, 0, 1)


def find_photos(root: Path) -> list[Path]:
    """All picture files below ``root`` in a fixed order, symbolic links followed (once each).

    Raises ``UserError`` if the folder is missing or holds no pictures.
    """
    _check_folder(root)
    pictures = find_pictures(root).pictures
    if not pictures:
        raise UserError(f"{root} holds no pictures ({', '.join(readable_suffixes())})")
    return pictures


def _check_folder(root: Path) -> None:
    if root.is_file():
        raise UserError(f"{root} is a file: photos are looked for in a folder")
    if not root.is_dir():
        raise UserError(f"no such photo folder: {root}")


def split(paths: Sequence[Path], root: Path, held_out: int) -> tuple[list[Path], list[Path]]:
    """Training and validation photos: held out are those whose names have the smallest hashes.

    The choice does not depend on order, and hardly changes when photos are added. At least one
    photo is left for training; where there is only one, it is used for both.
    """

    def digest(path: Path) -> str:
        name = path.relative_to(root).as_posix()
        return hashlib.sha256(os.fsencode(name)).hexdigest()

    count = min(held_out, len(paths) - 1)
    if count <= 0:
        return list(paths), list(paths[:held_out])
    chosen = set(sorted(paths, key=digest)[:count])
    return [path for path in paths if path not in chosen], sorted(chosen)
