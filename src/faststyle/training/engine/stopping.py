"""How a run ends: after the step in which it was told to, and with its state saved."""

import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.plugins.io import TorchCheckpointIO

from faststyle.core.interrupts import STOPPING, Interrupts, catch_interrupts
from faststyle.core.torch_files import write_torch


class StopOnSignal(Callback):
    """On Ctrl-C, SIGTERM or SLURM's warning, finish the step and stop.

    Lightning's own handling interrupts in the middle of a step, where weights and optimizer may
    disagree; a run resumed from there would differ from an undisturbed one.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._interrupts = Interrupts()
        self._catching = ExitStack()

    def on_train_start(self, *_: object) -> None:
        """Take over the signals, now that Lightning has installed its own handlers."""
        self._interrupts = self._catching.enter_context(catch_interrupts("step", STOPPING))

    def on_train_batch_end(
        self, trainer: pl.Trainer, _module: pl.LightningModule, *_: object
    ) -> None:
        """Stop all processes after the same step, whichever of them was told."""
        stop = self._interrupts.received is not None
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            self.received = self._interrupts.received or signal.SIGTERM
            trainer.should_stop = True

    def teardown(self, *_: object, **__: object) -> None:
        """Give the signals back."""
        self._catching.close()

    on_exception = teardown  # Lightning then calls no teardown


class SaveFinalCheckpoint(Callback):
    """Save the state to ``path`` after the last step, be the run complete or told to stop."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_batch_end(
        self, trainer: pl.Trainer, _module: pl.LightningModule, *_: object
    ) -> None:
        """Save if this step was the last."""
        if trainer.should_stop or trainer.global_step >= trainer.max_steps:
            trainer.save_checkpoint(self.path)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write beside the final name, then rename.

    Lightning's own writes to the system's temporary folder and moves from there, which on another
    file system is a copy: a full disk leaves half a checkpoint in place of the last good one.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, *_: object, **__: object
    ) -> None:
        """Save ``checkpoint`` to ``path``; raises ``OSError`` if there is no room."""
        write_torch(checkpoint, Path(path))
