"""Paintings to train networks of any painting on: one for each photo of a batch."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from faststyle.core.chance import Purpose, numpy_generator
from faststyle.data.folder import PhotoFolder, find_photos, split
from faststyle.data.loader import SampleIndex, SizedDataset

#: How many of the paintings are shown in other colors than their own.
_RECOLORED = 0.4
#: Of these colors' saturation, the lowest and the highest factor.
_SATURATION = 0.5, 2.0

log = logging.getLogger(__name__)


class PaintingFolder:
    """Square crops of all paintings below a folder; some are held out.

    Folders below it are shown equally often, and paintings of one folder too: a collection has a
    thousand brown landscapes, and one school of red ones. Files that cannot be read are named and
    passed over.

    Args:
        root: the folder, searched recursively.
        size: side of the crops in pixels.
        held_out: how many paintings are for validation.

    Raises:
        UserError: no such folder, or no painting in it.
    """

    def __init__(self, root: Path, size: int, held_out: int) -> None:
        paths, rest = split(find_photos(root), root, held_out)
        self.train, self.held_out = PhotoFolder(paths, size), PhotoFolder(rest, size)
        self.groups = _by_folder(paths)
        counts = len(paths), len(self.groups), len(rest)
        log.info("%d paintings of %d folders to train on, %d held out", *counts)

    def crop_at(self, seed: int, position: int) -> Tensor:
        """The crop uint8 (3, size, size) at a place of the run: a function of both numbers."""
        generator = numpy_generator(seed, Purpose.PAINTING, position)
        group = self.groups[generator.integers(len(self.groups))]
        crop = self.train.random_crop(int(generator.choice(group)), generator)
        return recolor(crop, generator) if generator.uniform() < _RECOLORED else crop

    def held_out_crop(self, index: int) -> Tensor:
        """The center crop of a held-out painting, in turn."""
        return self.held_out.center_crop(index % len(self.held_out))


class PaintedCrops(Dataset[Tensor]):
    """Crops of photos, each with one of a painting: uint8 (6, size, size).

    ``photos`` gives the first three channels.
    """

    def __init__(self, photos: Dataset[Tensor], paintings: PaintingFolder, seed: int) -> None:
        self.photos, self.paintings, self.seed = photos, paintings, seed

    def __getitem__(self, draw: SampleIndex) -> Tensor:
        painting = self.paintings.crop_at(self.seed, draw.position)
        return torch.cat([self.photos[draw], painting])


class HeldOutPaintedCrops(Dataset[Tensor]):
    """Center crops of held-out photos with those of held-out paintings, in turn."""

    def __init__(self, photos: SizedDataset, paintings: PaintingFolder) -> None:
        self.photos, self.paintings = photos, paintings

    def __getitem__(self, index: int) -> Tensor:
        return torch.cat([self.photos[index], self.paintings.held_out_crop(index)])

    def __len__(self) -> int:
        return len(self.photos)


def recolor(pixels: Tensor, generator: np.random.Generator) -> Tensor:
    """Pixels uint8 (3, H, W) with their channels in another order, and more or less colorful."""
    changed = pixels[generator.permutation(3)].float()
    gray = changed.mean(0, keepdim=True)
    factor = float(np.exp(generator.uniform(*np.log(_SATURATION))))
    return gray.lerp(changed, factor).clamp(0, 255).round().to(torch.uint8)


def _by_folder(paths: Sequence[Path]) -> list[list[int]]:
    groups: dict[Path, list[int]] = {}
    for index, path in enumerate(paths):
        groups.setdefault(path.parent, []).append(index)
    return list(groups.values())
