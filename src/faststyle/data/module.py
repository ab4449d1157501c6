"""The LightningDataModule: where photos come from, and how they reach the trainer."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from faststyle.core.errors import UserError, nearest
from faststyle.core.limits import AtLeast
from faststyle.data import coco, folder, synthetic  # noqa: F401 (each registers its source)
from faststyle.data.loader import (
    HeldOutCrops,
    SizedDataset,
    TrainingCrops,
    held_out_loader,
    training_loader,
)
from faststyle.data.painting_crops import (
    HeldOutPaintedCrops,
    PaintedCrops,
    PaintingFolder,
)
from faststyle.data.source import SOURCES, DataSpec, DataSplits, PhotoSet, PhotoSource

log = logging.getLogger(__name__)


class PhotoData(pl.LightningDataModule):
    """Training crops in an order fixed by the seed, and held-out photos for validation.

    Args:
        size: side of the crops in pixels.
        batch_size: of one step, over all processes together.
        workers: loader processes; 0 loads in the training process.
        val_photos: how many are held out.
        seed: of the order, the crops, and the synthetic pictures.
        cache: the folder of downloads, and of shards that were fetched.
        paintings: a folder of paintings, of which each photo then comes with one: crops are
            uint8 (6, size, size), of which the last three channels are the painting.
        source: one of :data:`faststyle.data.source.SOURCES`, or several of which the lowest rank
            counts: ``synthetic``, how many dead-leaves pictures to draw; ``root``, a folder of
            photos, searched recursively, or shards (``faststyle prepare-data``), in a folder or at
            an address of fsspec's; ``download``, the COCO split to fetch (once).

    Raises:
        UserError: a number out of range, or no source; on setup, if there are no photos, none can
            be read, or ``batch_size`` cannot be split over the processes.
    """

    def __init__(
        self,
        size: int = 192,
        batch_size: int = 4,
        workers: int = 2,
        val_photos: int = 16,
        seed: int = 0,
        cache: str = "~/.cache/faststyle",
        paintings: str | None = None,
        **source: Any,
    ) -> None:
        super().__init__()
        AtLeast(16).check("data.size", size)
        AtLeast(1).check("data.batch_size", batch_size)
        AtLeast(0).check("data.workers", workers)
        AtLeast(0).check("data.val_photos", val_photos)
        self.batch_size, self.workers, self.seed = batch_size, workers, seed
        self.source = choose_source(source)
        self.request = DataSpec(size, val_photos, seed, Path(cache).expanduser())
        self.opened: DataSplits | None = None
        self._paintings_root = paintings
        self._paintings: PaintingFolder | None = None

    def prepare_data(self) -> None:
        """Download what is missing, in one process of each machine."""
        self.source.prepare(self.request)

    def setup(self, *_: object, **__: object) -> None:
        """Find the photos, split off the held-out ones and make sure that some can be read."""
        if self.opened is None:
            self.opened = self.source.open(self.request)
            if self._paintings_root is not None:
                root = Path(self._paintings_root).expanduser()
                size, held_out = self.request.size, self.request.held_out
                self._paintings = PaintingFolder(root, size, held_out)

    @property
    def photos(self) -> DataSplits:
        """What ``setup`` has found."""
        assert self.opened is not None
        return self.opened

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Batches uint8 (N, 3, size, size), from the trainer's current step on."""
        assert self.trainer is not None
        crops: Dataset[Tensor] = TrainingCrops(self.photos.train, self.seed)
        if self._paintings is not None:
            crops = PaintedCrops(crops, self._paintings, self.seed)
        return training_loader(
            crops,
            len(self.photos.train),
            self.trainer,
            self.batch_size,
            self.workers,
            self.seed,
            self.photos.groups,
        )

    def val_dataloader(self) -> DataLoader[Tensor]:
        """Batches of center crops of the held-out photos, every process its own part."""
        assert self.trainer is not None
        crops: SizedDataset = HeldOutCrops(self.photos.held_out, self.request.held_out)
        if self._paintings is not None:
            crops = HeldOutPaintedCrops(crops, self._paintings)
        return held_out_loader(crops, self.trainer, self.batch_size)

    def held_out_paintings(self, count: int) -> Tensor:
        """Center crops of held-out paintings, uint8 (count, 3, size, size), in turn."""
        assert self._paintings is not None
        return torch.stack([self._paintings.held_out_crop(index) for index in range(count)])

    def teardown(self, *_: object, **__: object) -> None:
        """Say how many photos could not be read."""
        if skipped := self.skipped():
            log.warning("%d photos could not be read and were skipped", skipped)

    def skipped(self) -> int:
        """How many photos could not be read so far."""
        photos = self.opened and self.opened.train
        sets = (photos, self._paintings and self._paintings.train)
        return sum(int(each.unreadable.sum()) for each in sets if isinstance(each, PhotoSet))


def choose_source(settings: Mapping[str, Any]) -> PhotoSource:
    """The source that ``settings`` choose; those that are none choose nothing.

    Raises ``UserError`` for a name that is not in :data:`SOURCES`, or if nothing is chosen.
    """
    for name in settings:
        if name not in SOURCES:
            raise UserError(f'no source of photos "{name}": {nearest(name, SOURCES)}')
    given = [name for name in SOURCES if settings.get(name) is not None]
    if not given:
        raise UserError("no photos to train on: pass data.root=/path/to/photos")
    first = min(given, key=lambda name: SOURCES[name].rank)
    return SOURCES[first].from_setting(settings[first])
