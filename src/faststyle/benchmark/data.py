"""Loading photos: decoding, cropping and collating, in one process."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from faststyle.benchmark.compare import Stages, Variant, after_reference
from faststyle.core.devices import reuse_freed_memory
from faststyle.data.crops import TrainingCrops
from faststyle.data.folder import PhotoFolder, find_photos
from faststyle.data.photos import MIN_CROP_SCALE, PhotoSet
from faststyle.data.prepare import prepare
from faststyle.data.sampler import StepSampler
from faststyle.data.shards import ShardedPhotos


@dataclass(frozen=True)
class DataTask:
    """Batches of crops of the photos in one folder below ``root``; each round is one pass."""

    root: Path
    size: int = 256
    batch_size: int = 4

    @property
    def photos(self) -> int:
        """How many photos one round loads."""
        return len(find_photos(self.root)) // self.batch_size * self.batch_size


def variants(task: DataTask, reference: bool) -> list[Variant]:
    """Loader of faststyle, after the reference's if asked for."""
    ours = [
        Variant("faststyle", partial(_prepare_ours, task)),
        Variant("faststyle shards", partial(_prepare_shards, task)),
    ]
    return after_reference(ours, partial(_prepare_reference, task), reference)


def _prepare_ours(task: DataTask) -> Stages:
    reuse_freed_memory()
    torch.set_num_threads(1)
    return _load(_loader(task, PhotoFolder(find_photos(task.root), task.size)))


def _loader(task: DataTask, photos: PhotoSet) -> DataLoader[Tensor]:
    sampler = StepSampler(len(photos), task.batch_size, steps=task.photos // task.batch_size)
    return DataLoader(TrainingCrops(photos, seed=0), batch_sampler=sampler)


def _prepare_shards(task: DataTask) -> Stages:
    torch.set_num_threads(1)
    folder = tempfile.TemporaryDirectory()
    manifest = prepare(task.root, Path(folder.name), round(task.size / MIN_CROP_SCALE), held_out=0)
    reuse_freed_memory()
    photos = ShardedPhotos(folder.name, manifest.shards, task.size, Path(folder.name))
    stages = _load(_loader(task, photos))
    # The folder goes when what loads from it goes.
    return [(name, partial(_keeping, folder, stage)) for name, stage in stages]


def _keeping(_folder: object, stage: Callable[[], int]) -> int:
    return stage()


def _prepare_reference(task: DataTask) -> Stages:
    from faststyle.benchmark.reference import reference_loader  # imports torchvision: seconds

    torch.set_num_threads(1)
    return _load(reference_loader(task.root, task.size, task.batch_size))


def _load(loader: DataLoader[Any]) -> Stages:
    def one_pass() -> int:
        batches: Iterator[Tensor] = iter(loader)
        return sum(1 for _ in batches)

    return [("load", one_pass)]
