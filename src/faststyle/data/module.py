"""The LightningDataModule: where photos come from, and how they reach the trainer."""

import logging
from pathlib import Path
from typing import Protocol

import numpy as np
import pytorch_lightning as pl
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from faststyle.core.errors import UserError
from faststyle.data.coco import download_coco
from faststyle.data.folder import PhotoFolder, find_photos, split
from faststyle.data.loader import held_out_loader, training_loader
from faststyle.data.photos import MIN_CROP_SCALE, PhotoSet
from faststyle.data.sampler import Draw
from faststyle.data.shards import ShardedPhotos, is_sharded, read_manifest
from faststyle.data.synthetic import DeadLeaves

log = logging.getLogger(__name__)


class PhotoSource(Protocol):
    """A set of pictures that gives uint8 (3, size, size) crops."""

    def __len__(self) -> int: ...

    def random_crop(self, index: int, generator: np.random.Generator) -> Tensor:
        """A crop for training."""
        ...

    def center_crop(self, index: int) -> Tensor:
        """The crop for validation."""
        ...


class PhotoData(pl.LightningDataModule):
    """Training crops in an order fixed by the seed, and held-out photos for validation.

    Args:
        root: a folder of photos, searched recursively; or shards (scripts/prepare_data.py), in a
            folder or at an address of fsspec's; none to use ``download`` or ``synthetic``.
        download: COCO split that is fetched (once) when there is no ``root``.
        synthetic: number of dead-leaves pictures to make instead of reading photos.
        size: side of the crops in pixels.
        batch_size: of one step, over all processes together.
        workers: loader processes; 0 loads in the training process.
        val_photos: how many are held out.
        seed: of the order, the crops, and the synthetic pictures.
        cache: the folder of downloads, and of shards that were fetched.

    Raises:
        UserError: on setup, if there are no photos, none can be read, or ``batch_size`` cannot be
            split over the processes.
    """

    def __init__(
        self,
        root: str | None = None,
        download: str | None = None,
        synthetic: int | None = None,
        size: int = 256,
        batch_size: int = 4,
        workers: int = 2,
        val_photos: int = 16,
        seed: int = 0,
        cache: str = "~/.cache/faststyle",
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
        self.root = root
        self.coco, self.synthetic = download, synthetic
        self.size, self.batch_size = size, batch_size
        self.workers, self.val_photos, self.seed = workers, val_photos, seed
        self.cache = Path(cache).expanduser()
        self.train_photos: PhotoSource | None = None
        self.held_out: PhotoSource | None = None
        self._groups: list[int] | None = None

    def prepare_data(self) -> None:
        """Download what is missing, in one process of each machine."""
        if self.root is None and self.synthetic is None and self.coco is not None:
            download_coco(self.coco, self.cache / "coco")

    def setup(self, stage: str | None = None) -> None:
        """Find the photos, split off the held-out ones and make sure that some can be read."""
        del stage
        if self.train_photos is not None:
            return
        if self.synthetic is not None:
            self.train_photos = DeadLeaves(self.synthetic, self.size, self.seed)
            self.held_out = DeadLeaves(self.val_photos, self.size, self.seed + 1)
            return
        root = self.root
        if root is not None and is_sharded(root):
            self._use_shards(root)
            return
        if root is None and self.coco is not None:
            root = str(self.cache / "coco" / self.coco)
        if root is None:
            raise UserError("no photos to train on: pass data.root=/path/to/photos")
        folder = Path(root).expanduser()
        train, held_out = split(find_photos(folder), folder, self.val_photos)
        self.train_photos = PhotoFolder(train, self.size)
        self.held_out = PhotoFolder(held_out, self.size)
        self.train_photos.center_crop(0)
        log.info("%d photos to train on, %d held out, in %s", len(train), len(held_out), root)

    def _use_shards(self, root: str) -> None:
        manifest = read_manifest(root)
        if manifest.short_side < self.size:
            raise UserError(
                f"data.size={self.size} needs larger photos than the {manifest.short_side} pixels"
                f" of {root}; prepare shards with --size {round(self.size / MIN_CROP_SCALE)}"
            )
        train = ShardedPhotos(root, manifest.shards, self.size, self.cache)
        held_out = ShardedPhotos(root, [manifest.held_out], self.size, self.cache)
        self.train_photos, self.held_out = train, held_out
        self._groups = [len(shard) for shard in manifest.shards]
        count = f"{len(train)} photos to train on in {len(manifest.shards)} shards"
        log.info("%s, %d held out, in %s", count, len(held_out), root)

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Batches uint8 (N, 3, size, size), from the trainer's current step on."""
        assert self.trainer is not None
        assert self.train_photos is not None
        return training_loader(
            TrainingCrops(self.train_photos, self.seed),
            len(self.train_photos),
            self.trainer,
            self.batch_size,
            self.workers,
            self.seed,
            self._groups,
        )

    def val_dataloader(self) -> DataLoader[Tensor]:
        """Batches of center crops of the held-out photos, every process its own part."""
        assert self.trainer is not None
        assert self.held_out is not None
        crops = _HeldOutCrops(self.held_out, self.val_photos)
        return held_out_loader(crops, self.trainer, self.batch_size)

    def teardown(self, stage: str) -> None:
        """Say how many photos could not be read."""
        del stage
        if skipped := self.skipped():
            log.warning("%d photos could not be read and were skipped", skipped)

    def skipped(self) -> int:
        """How many photos could not be read so far."""
        if isinstance(self.train_photos, PhotoSet):
            return int(self.train_photos.unreadable.sum())
        return 0


class TrainingCrops(Dataset[Tensor]):
    """Random crops, each a function of the seed and of its place in the run."""

    def __init__(self, photos: PhotoSource, seed: int) -> None:
        self.photos, self.seed = photos, seed

    def __getitem__(self, draw: Draw) -> Tensor:
        """The crop of one draw: uint8 (3, size, size)."""
        # Seeded by the place in the run: the crop is the same in any process, and after a resume.
        generator = np.random.default_rng((self.seed, 1, draw.position))
        return self.photos.random_crop(draw.photo, generator)


class _HeldOutCrops(Dataset[Tensor]):
    def __init__(self, photos: PhotoSource, count: int) -> None:
        self.photos = photos
        self.count = min(count, len(photos))

    def __getitem__(self, index: int) -> Tensor:
        return self.photos.center_crop(index)

    def __len__(self) -> int:
        return self.count
