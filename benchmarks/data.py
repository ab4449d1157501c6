"""Loading photos: decoding, cropping and collating, in one process."""

from collections.abc import Generator, Iterable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.compare import Round, Variant
from benchmarks.reference import reference_loader
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


def variants(root: Path, size: int, reference: bool) -> list[Variant]:
    """Faststyle's loaders, after the usual one if it is wanted; each round is one pass.

    Args:
        root: a folder with a folder of photos, as ImageFolder wants it. Shards go beside it.
        size: side of the crops.
        reference: whether it is wanted.
    """
    prepares = {"faststyle": _prepare_ours, "faststyle shards": _prepare_shards}
    if reference:
        prepares = {"reference": _prepare_reference, **prepares}
    return [Variant(name, partial(prepare, root, size)) for name, prepare in prepares.items()]


def count_photos(root: Path) -> int:
    """How many photos one round loads. Raises ``UserError`` for less than a batch."""
    count = len(find_photos(root)) // _BATCH * _BATCH
    if not count:
        raise UserError(f"{root} holds fewer photos than one batch of {_BATCH}")
    return count


def draw_photos(folder: Path, count: int = 64) -> Path:
    """Draw photos of 640 x 480 pixels into ``folder``, which is returned."""
    pictures = DeadLeaves(count, 640)
    for index in range(count):
        pixels = to_unit(pictures.center_crop(index))[:, :480]
        save_picture(Picture(pixels), folder / f"{index}.jpg", quality=90)
    return folder


def _prepare_ours(root: Path, size: int) -> Round:
    return _load(_loader(root, PhotoFolder(find_photos(root), size)))


def _prepare_shards(root: Path, size: int) -> Round:
    folder = root.parent / f"shards_{size}"
    manifest = prepare(root, folder, round(size / MIN_CROP_SCALE), held_out=0)
    return _load(_loader(root, ShardedPhotos(str(folder), manifest.shards, size, folder)))


def _prepare_reference(root: Path, size: int) -> Round:
    torch.set_num_threads(1)
    return _load(reference_loader(root, size, _BATCH))


def _loader(root: Path, photos: PhotoSet) -> DataLoader[Tensor]:
    reuse_freed_memory()
    torch.set_num_threads(1)
    sampler = StepSampler(len(photos), _BATCH, steps=count_photos(root) // _BATCH)
    return DataLoader(TrainingCrops(photos, seed=0), batch_sampler=sampler)


def _load(loader: Iterable[object]) -> Round:
    def one_pass() -> Generator[str, None, int]:
        count = sum(1 for _ in loader)
        yield "load"
        return count

    return one_pass
