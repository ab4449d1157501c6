"""Photos in an order fixed by the seed and the step, as batches that processes share."""

import atexit
import functools
import os
import signal
import sys
from collections.abc import Iterator, Sequence, Sized
from types import TracebackType
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from faststyle.core.chance import Purpose, numpy_generator
from faststyle.core.errors import UserError
from faststyle.core.interrupts import leave_signals_to_parent
from faststyle.core.limits import AtLeast
from faststyle.data.source import CropDataset

#: Groups that are shown at a time.
_MIXED = 8


class SizedDataset(Sized, Protocol):
    """Samples that can be counted and asked for by position."""

    def __getitem__(self, index: int) -> Any: ...


class SampleIndex(NamedTuple):
    """One sample: its place in the whole run, and which photo is shown there."""

    position: int
    photo: int


class StepSampler(Sampler[list[SampleIndex]]):
    """Batches of one process for steps ``start`` to ``steps`` of a run.

    Sample k of the run shows photo ``order(seed, k // photos)[k % photos]``, a permutation. Step s
    takes samples s * B to (s + 1) * B of a global batch of B, split evenly over the processes; so
    the order is the same for any number of processes, and a resumed run goes on where it stopped.

    The length is that of the whole run, ``start`` included: Lightning counts resumed batches so.

    This process is ``rank`` of ``world_size``, which must divide the global ``batch_size`` B.
    ``groups`` says how many photos lie together, in the order of their numbers: a few groups,
    chosen at random, are mixed and shown before the next, so that not all are needed at once.
    """

    def __init__(
        self,
        photos: int,
        batch_size: int,
        steps: int,
        start: int = 0,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        groups: Sequence[int] | None = None,
    ) -> None:
        self.photos, self.batch_size = photos, batch_size
        self.steps, self.start = steps, start
        self.seed, self.rank = seed, rank
        self.share = batch_size // world_size
        self.groups = [photos] if groups is None else groups

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[SampleIndex]]:
        order = functools.lru_cache(maxsize=1)(self._order)
        for step in range(self.start, self.steps):
            first = step * self.batch_size + self.rank * self.share
            batch = []
            for position in range(first, first + self.share):
                epoch, place = divmod(position, self.photos)
                batch.append(SampleIndex(position, int(order(epoch)[place])))
            yield batch

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        generator = np.random.default_rng((self.seed, epoch))
        if len(self.groups) == 1:
            return generator.permutation(self.photos)
        ends = np.cumsum(self.groups)
        chosen = generator.permutation(len(self.groups))
        parts = []
        for first in range(0, len(chosen), _MIXED):
            mixed = [
                np.arange(ends[group] - self.groups[group], ends[group])
                for group in chosen[first : first + _MIXED]
            ]
            parts.append(generator.permutation(np.concatenate(mixed)))
        return np.concatenate(parts)


class TrainingCrops(Dataset[torch.Tensor]):
    """Random crops uint8 (3, size, size), each a function of the seed and its place in the run.

    So a crop is the same in any process, and after a resume.
    """

    def __init__(self, photos: CropDataset, seed: int) -> None:
        self.photos, self.seed = photos, seed

    def __getitem__(self, draw: SampleIndex) -> torch.Tensor:
        generator = numpy_generator(self.seed, Purpose.CROP, draw.position)
        return self.photos.random_crop(draw.photo, generator)


class HeldOutCrops(Dataset[torch.Tensor]):
    """Center crops uint8 (3, size, size) of the first ``count`` photos, if there are as many."""

    def __init__(self, photos: CropDataset, count: int) -> None:
        self.photos, self.count = photos, min(count, len(photos))

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.photos.center_crop(index)

    def __len__(self) -> int:
        return self.count


def training_loader(
    samples: Dataset[Any],
    count: int,
    trainer: pl.Trainer,
    batch_size: int,
    workers: int,
    seed: int,
    groups: Sequence[int] | None = None,
) -> DataLoader[Any]:
    """Batches of ``samples``, which take a :class:`SampleIndex`, from the trainer's step on.

    ``count`` of them are drawn from as a :class:`StepSampler` does, by so many ``workers``, or in
    the training process. Raises ``UserError`` if there are no steps to take, or ``batch_size``
    cannot be split over the processes.
    """
    processes = trainer.world_size
    if batch_size % processes:
        raise UserError(f"data.batch_size={batch_size} cannot be split over {processes} processes")
    AtLeast(1).check("trainer.max_steps", trainer.max_steps)
    steps, start, rank = trainer.max_steps, trainer.global_step, trainer.global_rank
    return DataLoader(
        samples,
        batch_sampler=StepSampler(count, batch_size, steps, start, seed, rank, processes, groups),
        num_workers=workers,
        worker_init_fn=functools.partial(_follow_the_training, _set_at_exit()) if workers else None,
        pin_memory=torch.cuda.is_available(),
    )


def held_out_loader(samples: SizedDataset, trainer: pl.Trainer, batch_size: int) -> DataLoader[Any]:
    """Batches of all ``samples``, every process its own part of them and of ``batch_size``."""
    rank, world_size = trainer.global_rank, trainer.world_size
    # Every process must take part in every reduction, so the last few may be left out.
    count = len(samples) // world_size * world_size
    return DataLoader(
        samples,  # type: ignore[arg-type]
        sampler=range(rank, count, world_size),
        batch_size=max(1, batch_size // world_size),
    )


def _set_at_exit() -> torch.Tensor:
    """Whether this process is at its end, as its own workers see it, be they forked or spawned.

    A module's variable would be shared with all that fork from a process that imported it.
    """
    exiting = torch.zeros((), dtype=torch.bool)
    exiting.share_memory_()  # type: ignore[no-untyped-call]
    atexit.register(exiting.fill_, True)
    return exiting


def _follow_the_training(exiting: torch.Tensor, _worker: int) -> None:
    """Let a worker outlive the signals that end a run, since its last steps still need it.

    A terminal or a scheduler sends these to all processes of a job. But Python ends the workers
    that an error has left by SIGTERM, and would wait forever for any that ignore it. And workers
    have nothing to say about a training process that was killed while it took a batch from them.
    """
    sys.excepthook = _report_unless_hung_up
    leave_signals_to_parent()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0) if exiting else None)


def _report_unless_hung_up(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if not isinstance(error, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, traceback)
