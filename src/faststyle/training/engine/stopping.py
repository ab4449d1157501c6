"""How a run ends: told to, after a whole step and saved; or for numbers that are not finite."""

import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.plugins.io import TorchCheckpointIO

from faststyle.core.errors import UserError
from faststyle.core.interrupts import STOPPING, Interrupts, catch_interrupts
from faststyle.core.torch_files import write_torch

#: Steps in a row that the scaler of gradients may leave out: each halves its scale of 2**16.
_SKIPPED = 16


class StopOnNonFinite(Callback):
    """Stop with a clear error when the loss is no longer a finite number.

    The loss is looked at every ``every_n_steps`` only, since on an accelerator looking means
    waiting; but also before any checkpoint is written, so that the last one is always good.

    In float16 a few steps in a row may overflow: the scaler of gradients leaves them out, and tries
    a smaller scale.
    """

    def __init__(self, every_n_steps: int = 10) -> None:
        self.every_n_steps = every_n_steps
        # How many losses in a row were not finite: now, and at most.
        self._row = self._longest = torch.tensor(0)

    def on_train_batch_end(
        self, trainer: pl.Trainer, _module: pl.LightningModule, outputs: Any, *_: object
    ) -> None:
        """Remember, without waiting for the device, which losses were not finite."""
        bad = (~torch.isfinite(outputs["loss"].detach())).long()
        self._row = bad * (self._row.to(bad.device) + 1)
        self._longest = torch.maximum(self._longest.to(bad.device), self._row)
        if trainer.global_step % self.every_n_steps == 0:
            self._check(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, _module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Refuse to save weights that came of a loss, or have values, that are not finite."""
        self._check(trainer)
        for name, value in checkpoint["state_dict"].items():
            if not torch.isfinite(value).all():
                self._stop(trainer, f"weight {name}")

    def _check(self, trainer: pl.Trainer) -> None:
        has_scaler = getattr(trainer.precision_plugin, "scaler", None) is not None
        finite = int(self._longest) <= (_SKIPPED if has_scaler else 0)
        if trainer.world_size > 1:  # all processes stop together, or the others would wait forever
            finite = trainer.strategy.reduce_boolean_decision(finite)
        if not finite:
            self._stop(trainer, "the loss")

    @staticmethod
    def _stop(trainer: pl.Trainer, what: str) -> None:
        raise UserError(
            f"{what} is no longer finite at step {trainer.global_step}; the last checkpoint is"
            " still good. Lower model.learning_rate, or use trainer.precision=32-true or bf16-mixed"
        )


class StopAndSave(Callback):
    """Save the state to ``path`` after the last step, which a signal makes of the one it comes in.

    Ctrl-C, SIGTERM, SLURM's warning: Lightning's own handling interrupts in the middle of a step,
    where weights and optimizer may disagree; a run resumed from there would differ from an
    undisturbed one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.received: signal.Signals | None = None
        self._interrupts = Interrupts()
        self._catching = ExitStack()

    def on_train_start(self, *_: object) -> None:
        """Take over the signals, now that Lightning has installed its own handlers."""
        self._interrupts = self._catching.enter_context(catch_interrupts("step", STOPPING))

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Stop all processes after the same step, whichever was told; save if it was the last."""
        stop = self._interrupts.received is not None
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            self.received = self._interrupts.received or signal.SIGTERM
            trainer.should_stop = True
        if trainer.should_stop or trainer.global_step >= trainer.max_steps:
            trainer.save_checkpoint(self.path)

    def teardown(self, *_: object, **__: object) -> None:
        """Give the signals back."""
        self._catching.close()

    on_exception = teardown  # Lightning then calls no teardown


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
