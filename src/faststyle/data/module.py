"""The LightningDataModule: where photos come from, and how they reach the trainer."""

import logging
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch import Tensor
from torch.utils.data import DataLoader

from faststyle.core.errors import UserError
from faststyle.data.crops import HeldOutCrops, TrainingCrops
from faststyle.data.loader import held_out_loader, training_loader
from faststyle.data.photos import PhotoSet
from faststyle.data.registry import choose_source
from faststyle.data.source import DataSpec, DataSplits

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
        **source: Any,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("size", size, 16),
            ("batch_size", batch_size, 1),
            ("workers", workers, 0),
            ("val_photos", val_photos, 0),
        ):
            if value < least:
                raise UserError(f"data.{name} is {value}; it must be {least} or more")
        self.batch_size, self.workers, self.seed = batch_size, workers, seed
        self.source = choose_source(source)
        self.request = DataSpec(size, val_photos, seed, Path(cache).expanduser())
        self.opened: DataSplits | None = None

    def prepare_data(self) -> None:
        """Download what is missing, in one process of each machine."""
        self.source.prepare(self.request)

    def setup(self, *_: object, **__: object) -> None:
        """Find the photos, split off the held-out ones and make sure that some can be read."""
        if self.opened is None:
            self.opened = self.source.open(self.request)

    @property
    def photos(self) -> DataSplits:
        """What ``setup`` has found."""
        assert self.opened is not None
        return self.opened

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Batches uint8 (N, 3, size, size), from the trainer's current step on."""
        assert self.trainer is not None
        return training_loader(
            TrainingCrops(self.photos.train, self.seed),
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
        crops = HeldOutCrops(self.photos.held_out, self.request.held_out)
        return held_out_loader(crops, self.trainer, self.batch_size)

    def teardown(self, *_: object, **__: object) -> None:
        """Say how many photos could not be read."""
        if skipped := self.skipped():
            log.warning("%d photos could not be read and were skipped", skipped)

    def skipped(self) -> int:
        """How many photos could not be read so far."""
        if self.opened is not None and isinstance(self.opened.train, PhotoSet):
            return int(self.opened.train.unreadable.sum())
        return 0
