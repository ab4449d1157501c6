"""How a run ends: after the step in which it was told to, and with its state saved."""

import signal
from contextlib import ExitStack
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from faststyle.core.interrupts import STOPPING, Interrupts, catch_interrupts


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

    def on_exception(self, *_: object) -> None:
        """Give the signals back; Lightning then calls no :meth:`teardown`."""
        self._catching.close()

    def teardown(self, *_: object, **__: object) -> None:
        """Give the signals back."""
        self._catching.close()


class SaveFinalCheckpoint(Callback):
    """Save the state after the last step, be the run complete or told to stop.

    Args:
        path: where to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_batch_end(
        self, trainer: pl.Trainer, _module: pl.LightningModule, *_: object
    ) -> None:
        """Save if this step was the last."""
        if trainer.should_stop or trainer.global_step >= trainer.max_steps:
            trainer.save_checkpoint(self.path)
