"""What training asks of a source of photos, and what it is given."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from torch import Tensor

from faststyle.core.registry import Registry


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
    """Photos to train on and held-out ones; ``groups``: see :class:`StepSampler`."""

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
