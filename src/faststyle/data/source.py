"""What training asks of a source of photos, and what it is given: square crops."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.core.registry import Registry

#: Training crops have at least this part of the photo's short side.
MIN_CROP_SCALE = 0.525
log = logging.getLogger(__name__)


class CropDataset(Protocol):
    """Pictures that can be counted, each as uint8 (3, size, size)."""

    def __len__(self) -> int: ...

    def random_crop(self, index: int, generator: np.random.Generator) -> Tensor:
        """A crop for training."""
        ...

    def center_crop(self, index: int) -> Tensor:
        """The crop for validation."""
        ...


class DataSpec(NamedTuple):
    """What training wants: the side of crops, how many photos are held out, a seed, a cache."""

    size: int
    held_out: int
    seed: int
    cache: Path


class DataSplits(NamedTuple):
    """Photos to train on and held-out ones; ``groups``: of a :class:`StepSampler`."""

    train: CropDataset
    held_out: CropDataset
    groups: Sequence[int] | None = None


class PhotoSource(ABC):
    """Where photos come from: what the setting ``data.NAME=value`` chooses, by its name.

    Attributes:
        rank: where several settings have a value, the source of the lowest rank counts.
    """

    rank: ClassVar[int] = 0

    @classmethod
    def from_setting(cls, value: Any) -> "PhotoSource":
        """The source of a value. Raises ``UserError`` if there is none of it."""
        return cls(value)  # type: ignore[call-arg]

    def prepare(self, request: DataSpec) -> None:  # noqa: B027 (most have nothing to do)
        """Download what is missing; called in one process of each machine, before ``open``."""

    @abstractmethod
    def open(self, request: DataSpec) -> DataSplits:
        """Find the photos. Raises ``UserError`` if there are none, or none can be read."""


#: Sources by the names of their settings.
SOURCES = Registry[PhotoSource]("source of photos")


class UnavailableError(UserError):
    """Photos that cannot be had now, but perhaps the next time: a reason to stop, not to skip."""


class PhotoSet(ABC):
    """Square crops of ``count`` photos, addressed by position.

    Photos that cannot be read are named once, marked for all worker processes, and replaced by
    others that can.
    """

    def __init__(self, count: int, size: int) -> None:
        self.size = size
        self.unreadable = torch.zeros(count, dtype=torch.bool)
        # Where there is no shared memory, there are no other processes either.
        with suppress(RuntimeError):
            self.unreadable.share_memory_()  # type: ignore[no-untyped-call]

    @abstractmethod
    def decode(self, position: int) -> Tensor:
        """One photo, uint8 (3, H, W), at no less than the size that crops need.

        Raises ``UserError`` if it cannot be read, after marking what else cannot be.
        """

    def __len__(self) -> int:
        return len(self.unreadable)

    def random_crop(self, index: int, generator: np.random.Generator) -> Tensor:
        """A random square, 52 to 100 % of the short side, scaled and perhaps mirrored.

        Returns uint8 (3, size, size). Raises ``UserError`` if no photo at all can be read.
        """
        scale, x, y = generator.uniform(MIN_CROP_SCALE, 1), generator.uniform(), generator.uniform()
        mirror = generator.uniform() < 0.5
        crop = _crop(self._read(index), self.size, scale, x, y)
        return crop.flip(2) if mirror else crop

    def center_crop(self, index: int) -> Tensor:
        """The largest centered square, scaled; uint8 (3, size, size)."""
        return _crop(self._read(index), self.size, 1, 0.5, 0.5)

    def _read(self, index: int) -> Tensor:
        if (photo := self._try(index)) is not None:
            return photo
        # Which photo takes its place must not depend on what this process has found unreadable
        # so far, or a resumed run would see others.
        for position in np.random.default_rng(index).permutation(len(self)):
            if (photo := self._try(int(position))) is not None:
                return photo
        raise UserError(f"none of the {len(self)} photos could be read")

    def _try(self, position: int) -> Tensor | None:
        if self.unreadable[position]:
            return None
        try:
            return self.decode(position)
        except UnavailableError:
            raise
        except UserError as error:
            self.unreadable[position] = True
            log.warning("skipped: %s", error)
            return None


def _crop(pixels: Tensor, size: int, scale: float, x: float, y: float) -> Tensor:
    """The square of ``scale`` times the short side, at fractions x, y of the room there is."""
    height, width = pixels.shape[1:]
    side = max(1, round(min(height, width) * scale))
    left, top = round((width - side) * x), round((height - side) * y)
    square = pixels[None, :, top : top + side, left : left + side]
    return F.interpolate(square, (size, size), mode="bilinear", antialias=True)[0]
