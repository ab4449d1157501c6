"""Loading photos: decoding, cropping and collating, in one process."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from benchmarks.measure import Job, Round, Variant, single_stage
from benchmarks.reference import reference_loader
from benchmarks.settings import Settings
from faststyle.core.devices import reuse_freed_memory
from faststyle.core.errors import UserError
from faststyle.data.folder import PhotoFolder, find_photos
from faststyle.data.loader import StepSampler, TrainingCrops
from faststyle.data.prepare import prepare
from faststyle.data.shards import ShardedPhotos
from faststyle.data.source import MIN_CROP_SCALE, PhotoSet
from faststyle.data.synthetic import DeadLeaves
from faststyle.images.files import save_picture
from faststyle.images.pixels import Picture, to_unit

_BATCH = 4


def jobs(settings: Settings, _: object, folder: Path) -> Iterator[Job]:
    """A pass over all photos with each size of crops, by faststyle's loaders.

    The usual one comes first if it is wanted, for which photos have to lie in a folder of a folder.
    Shards go to ``folder``. Raises ``UserError`` for fewer photos than a batch.
    """
    root = folder / "photos"
    root.mkdir()
    (root / "all").symlink_to((settings.photos or _draw_photos(folder / "drawn")).resolve())
    count = len(find_photos(root)) // _BATCH * _BATCH
    if not count:
        raise UserError(f"{settings.photos} holds fewer photos than one batch of {_BATCH}")
    names = [*(["reference"] if settings.against else []), "faststyle", "faststyle shards"]
    for side, _ in settings.size:
        given = [Variant(name, partial(_prepare, root, count, side, name)) for name in names]
        title = f"loading {count} photos as {side} x {side} crops, one core"
        yield Job(title, given, {"pixels": side**2, "photos": count}, count)


def _draw_photos(folder: Path, count: int = 64) -> Path:
    """Draw photos of 640 x 480 pixels into ``folder``, which is returned."""
    pictures = DeadLeaves(count, 640)
    for index in range(count):
        pixels = to_unit(pictures.center_crop(index))[:, :480]
        save_picture(Picture(pixels), folder / f"{index}.jpg", quality=90)
    return folder


def _prepare(root: Path, count: int, size: int, name: str) -> Round:
    torch.set_num_threads(1)
    if name == "reference":
        return _load(reference_loader(root, size, _BATCH))
    reuse_freed_memory()
    photos: PhotoSet = PhotoFolder(find_photos(root), size)
    if name == "faststyle shards":
        folder = root.parent / f"shards_{size}"
        manifest = prepare(root, folder, round(size / MIN_CROP_SCALE), held_out=0)
        photos = ShardedPhotos(str(folder), manifest.shards, size, folder)
    sampler = StepSampler(len(photos), _BATCH, steps=count // _BATCH)
    return _load(DataLoader(TrainingCrops(photos, seed=0), batch_sampler=sampler))


def _load(loader: DataLoader[Any]) -> Round:
    return single_stage("load", lambda: sum(1 for _ in loader))
