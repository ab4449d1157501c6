"""Pictures with classes: CIFAR-10, or a folder with a folder for each class."""

import logging
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision.datasets import CIFAR10, ImageFolder
from torchvision.transforms import v2

from faststyle.core.errors import UserError
from faststyle.core.limits import AtLeast
from faststyle.data.loader import SampleIndex, SizedDataset, held_out_loader, training_loader
from faststyle.images.files import load_rgb

log = logging.getLogger(__name__)

#: So many pictures give the channels' mean and deviation to 1 %.
_SAMPLE = 2048


class ClassData(pl.LightningDataModule):
    """Shifted and mirrored pictures for training, untouched ones for validation.

    Args:
        root: a folder with one folder of pictures for each class, or with such folders in ``train``
            and ``val``; none for CIFAR-10.
        size: side in pixels; larger pictures are scaled and cropped in the middle.
        batch_size: of one step, over all processes together.
        shift: pixels by which a picture is moved at most, each way; black comes in.
        flip: mirror half of the pictures.
        workers: loader processes; 0 loads in the training process.
        held_out: share of a folder without ``train`` and ``val`` that is kept for validation.
        seed: of the order, the shifts, and what is held out.
        cache: the folder of downloads.

    Raises:
        UserError: a setting out of range; on setup, no such folder or no classes in it; no network.
    """

    def __init__(
        self,
        root: str | None = None,
        size: int = 32,
        batch_size: int = 128,
        shift: int = 4,
        flip: bool = True,
        workers: int = 2,
        held_out: float = 0.1,
        seed: int = 0,
        cache: str = "~/.cache/faststyle",
    ) -> None:
        super().__init__()
        AtLeast(32).check("data.size", size)
        AtLeast(2).check("data.batch_size", batch_size)
        if not 0 < held_out < 1:
            raise UserError(f"data.held_out is {held_out}; it must be between 0 and 1")
        self.root = Path(root).expanduser() if root else None
        self.batch_size, self.workers = batch_size, workers
        self.share, self.seed = held_out, seed
        self.cache = Path(cache).expanduser() / "cifar10"
        self.size, self.shift, self.flip = size, shift, flip
        self._fit = v2.Compose([v2.Resize(size), v2.CenterCrop(size), v2.PILToTensor()])
        self.classes: list[str] = []
        self.train_set: SizedDataset | None = None
        self.val_set: SizedDataset | None = None

    def prepare_data(self) -> None:
        """Download CIFAR-10 if it is asked for and missing, in one process of each machine."""
        if self.root is not None or self.train_set is not None:
            return  # nothing to download, or set up already
        try:
            CIFAR10(self.cache, download=True)
        except (URLError, TimeoutError, ConnectionError) as error:
            raise UserError(
                f"cannot download CIFAR-10 ({getattr(error, 'reason', error)}); put"
                f" {CIFAR10.filename} into {self.cache}, or pass data.root=/a/folder/of/classes"
            ) from None
        except (RuntimeError, EOFError) as error:
            raise UserError(f"the CIFAR-10 in {self.cache} is damaged: {error}") from None

    def setup(self, *_: object, **__: object) -> None:
        """Find the pictures and their classes."""
        if self.train_set is not None:
            return
        if self.root is None:
            train, held_out = (CIFAR10(self.cache, part, self._fit) for part in (True, False))
        elif (self.root / "train").is_dir() and (self.root / "val").is_dir():
            train, held_out = (self._folder(self.root / part) for part in ("train", "val"))
        else:
            train = held_out = self._folder(self.root)
        self.classes = train.classes
        if held_out.classes != self.classes:
            raise UserError(f"{self.root}: train and val have different classes")
        if held_out is train:
            train, held_out = _split(train, self.share, self.seed)
        self.train_set, self.val_set = _Readable(train), _Readable(held_out)
        counts = len(self.classes), len(self.train_set), len(self.val_set)
        log.info("%d classes, %d pictures to train on, %d held out", *counts)

    def _folder(self, root: Path) -> ImageFolder:
        try:
            return ImageFolder(root, self._fit, loader=_load)
        except FileNotFoundError as error:
            raise UserError(
                f"data.root: {error}; it must hold one folder of pictures for each class"
            ) from None

    def statistics(self) -> tuple[list[float], list[float]]:
        """Each channel's mean and standard deviation over pictures for training, in [0, 1]."""
        assert self.train_set is not None
        generator = np.random.default_rng(self.seed)
        chosen = generator.permutation(len(self.train_set))[:_SAMPLE]
        pixels = torch.stack([self.train_set[int(i)][0] for i in chosen]).double() / 255
        return pixels.mean((0, 2, 3)).tolist(), pixels.std((0, 2, 3)).clamp_min(1e-3).tolist()

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches uint8 (N, 3, size, size) with classes (N,), from the trainer's step on."""
        assert self.train_set is not None
        assert self.trainer is not None
        if self.batch_size < 2 * self.trainer.world_size:
            raise UserError(
                f"data.batch_size={self.batch_size} leaves less than 2 pictures to each of"
                f" {self.trainer.world_size} processes, too few for batch norm"
            )
        samples = MovedPictures(self.train_set, self.size, self.shift, self.flip, self.seed)
        return training_loader(
            samples, len(self.train_set), self.trainer, self.batch_size, self.workers, self.seed
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of those that were held out."""
        assert self.val_set is not None
        assert self.trainer is not None
        return held_out_loader(self.val_set, self.trainer, self.batch_size)


class _Readable:
    """Pictures with their class; the next ones take the place of those that cannot be read."""

    def __init__(self, samples: SizedDataset) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        for step in range(len(self)):
            try:
                sample: tuple[Tensor, int] = self._samples[(index + step) % len(self)]
            except UserError as error:
                log.warning("skipped: %s", error)
            else:
                return sample
        raise UserError(f"none of the {len(self)} pictures could be read")


class MovedPictures(Dataset[tuple[Tensor, int]]):
    """Pictures moved at random: how is a function of the seed and of the place in the run.

    ``samples`` uint8 (3, size, size), with their class, are moved by at most ``shift`` pixels each
    way, where black comes in; half of them are mirrored if ``flip``.
    """

    def __init__(self, samples: SizedDataset, size: int, shift: int, flip: bool, seed: int) -> None:
        moves = [v2.RandomCrop(size, padding=shift)] if shift else []
        moves += [v2.RandomHorizontalFlip()] if flip else []
        self._samples, self._move, self._seed = samples, v2.Compose([v2.Identity(), *moves]), seed

    def __getitem__(self, draw: SampleIndex) -> tuple[Tensor, int]:
        pixels, label = self._samples[draw.photo]
        place = np.random.SeedSequence((self._seed, 1, draw.position))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(place.generate_state(1)[0]))
            return self._move(pixels), label


def _load(path: str) -> Image.Image:
    return load_rgb(Path(path))


def _split(found: ImageFolder, share: float, seed: int) -> tuple[SizedDataset, SizedDataset]:
    order = np.random.default_rng(seed).permutation(len(found)).tolist()
    count = round(share * len(found))
    if not 0 < count < len(found):
        raise UserError(f"{found.root} holds too few pictures ({len(found)}) to hold some out")
    return Subset(found, order[count:]), Subset(found, order[:count])
