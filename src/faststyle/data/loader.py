"""Loaders that follow the trainer's step and share batches among its processes."""

import atexit
import functools
import os
import signal
import sys
from collections.abc import Sequence, Sized
from types import TracebackType
from typing import Any, Protocol

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from faststyle.core.errors import UserError
from faststyle.core.interrupts import leave_signals_to_parent
from faststyle.data.sampler import StepSampler


class SizedDataset(Sized, Protocol):
    """Samples that can be counted and asked for by position."""

    def __getitem__(self, index: int) -> Any: ...


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

    Args:
        samples: what a draw stands for.
        count: how many there are to draw from.
        trainer: says which step it is, how many follow, and which process this is.
        batch_size: of one step, over all processes together.
        workers: loader processes; 0 loads in the training process.
        seed: of the order.
        groups: see :class:`StepSampler`.

    Raises:
        UserError: no steps to take, or ``batch_size`` cannot be split over the processes.
    """
    if batch_size % trainer.world_size:
        raise UserError(
            f"data.batch_size={batch_size} cannot be split over {trainer.world_size} processes"
        )
    if trainer.max_steps < 1:
        raise UserError(f"trainer.max_steps is {trainer.max_steps}; it must be 1 or more")
    sampler = StepSampler(
        count,
        batch_size,
        steps=trainer.max_steps,
        start=trainer.global_step,
        seed=seed,
        rank=trainer.global_rank,
        world_size=trainer.world_size,
        groups=groups,
    )
    return DataLoader(
        samples,
        batch_sampler=sampler,
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
