"""What happens around the training steps: stopping well, failing well, and showing pictures."""

import logging
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.core.interrupts import STOPPING, Interrupts, catch_interrupts
from faststyle.training.style.module import StyleTransfer

log = logging.getLogger(__name__)


class StopOnSignal(Callback):
    """On Ctrl-C, SIGTERM or SLURM's warning, finish the step and stop.

    Lightning's own handling interrupts in the middle of a step, where weights and optimizer may
    disagree; a run resumed from there would differ from an undisturbed one.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._interrupts = Interrupts()
        self._catching = ExitStack()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take over the signals, now that Lightning has installed its own handlers."""
        del trainer, pl_module
        self._interrupts = self._catching.enter_context(catch_interrupts("step", STOPPING))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: object
    ) -> None:
        """Stop all processes after the same step, whichever of them was told."""
        del pl_module, args
        stop = self._interrupts.received is not None
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            self.received = self._interrupts.received or signal.SIGTERM
            trainer.should_stop = True

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Give the signals back; Lightning then calls no :meth:`teardown`."""
        del trainer, pl_module, exception
        self._catching.close()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give the signals back."""
        del trainer, pl_module, stage
        self._catching.close()


class SaveFinalCheckpoint(Callback):
    """Save the state after the last step, be the run complete or told to stop.

    Args:
        path: where to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: object
    ) -> None:
        """Save if this step was the last."""
        del pl_module, args
        if trainer.should_stop or trainer.global_step >= trainer.max_steps:
            trainer.save_checkpoint(self.path)


class StopOnNonFinite(Callback):
    """Stop with a clear error when the loss is no longer a finite number.

    The loss is looked at every ``every_n_steps`` only, since on an accelerator looking means
    waiting; but also before any checkpoint is written, so that the last one is always good.
    """

    def __init__(self, every_n_steps: int = 10) -> None:
        self.every_n_steps = every_n_steps
        self._finite: Tensor | None = None

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Remember, without waiting for the device, whether any loss was not finite."""
        del batch, batch_idx
        finite = torch.isfinite(outputs["loss"].detach())
        self._finite = finite if self._finite is None else self._finite & finite
        if trainer.global_step % self.every_n_steps == 0:
            self._check(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Refuse to save weights that came of a loss, or have values, that are not finite."""
        del pl_module
        self._check(trainer)
        for name, value in checkpoint["state_dict"].items():
            if not torch.isfinite(value).all():
                self._stop(trainer, f"weight {name}")

    def _check(self, trainer: pl.Trainer) -> None:
        if self._finite is None:
            return
        finite = bool(self._finite)
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


class Throughput(Callback):
    """Log images per second over all processes, and the share of time spent waiting for photos.

    On a GPU also the most of its memory that the run has held. Images and waiting are measured from
    one log line to the next; validation counts for neither.
    """

    def __init__(self) -> None:
        self._seconds = self._waited = 0.0
        self._idle_since = 0.0
        self._pictures = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        del trainer, pl_module
        self._idle_since = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Go on with the clock."""
        self.on_train_start(trainer, pl_module)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: object
    ) -> None:
        """Whatever lies between two steps is waiting: the next batch is all that is missing."""
        del trainer, pl_module, args
        now = time.perf_counter()
        self._waited += now - self._idle_since
        self._seconds += now - self._idle_since
        self._idle_since = now

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Tensor | Sequence[Tensor],  # pictures, perhaps with their labels
        batch_idx: int,
    ) -> None:
        """Log at the steps where Lightning logs."""
        del outputs, batch_idx
        now = time.perf_counter()
        self._seconds += now - self._idle_since
        self._idle_since = now
        pictures = batch if isinstance(batch, Tensor) else batch[0]
        self._pictures += len(pictures) * trainer.world_size
        if trainer.global_step % trainer.log_every_n_steps:  # type: ignore[attr-defined]
            return
        pl_module.log("train/images_per_second", self._pictures / self._seconds)
        pl_module.log("train/data_wait_share", self._waited / self._seconds)
        if torch.cuda.is_available():
            pl_module.log("train/gpu_memory_gb", torch.cuda.max_memory_reserved() / 1e9)
        self._seconds = self._waited = 0.0
        self._pictures = 0


class SampleGrid(Callback):
    """Show the same few held-out photos and their stylized versions in TensorBoard.

    Args:
        count: how many photos.
        every_n_steps: how often, besides the first and the last step.
    """

    def __init__(self, count: int = 4, every_n_steps: int = 500) -> None:
        self.count, self.every_n_steps = count, every_n_steps
        self._photos: Tensor | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the first held-out photos."""
        held_out = trainer.datamodule.held_out  # type: ignore[attr-defined]
        count = min(self.count, len(held_out))
        if count and trainer.is_global_zero:
            photos = torch.stack([held_out.center_crop(i) for i in range(count)])
            assert isinstance(pl_module, StyleTransfer)
            self._photos = pl_module.on_after_batch_transfer(photos.to(pl_module.device), 0)
            if trainer.global_step == 0:
                self._show(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: object
    ) -> None:
        """Show every so often."""
        del args
        if trainer.global_step % self.every_n_steps == 0:
            self._show(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the result, unless the last step just did."""
        if trainer.global_step % self.every_n_steps:
            self._show(trainer, pl_module)

    @torch.no_grad()
    def _show(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._photos is None or not isinstance(trainer.logger, TensorBoardLogger):
            return
        assert isinstance(pl_module, StyleTransfer)
        mode = pl_module.network.training
        pl_module.network.eval()
        stylized = pl_module(self._photos).float().clamp(0, 1)
        pl_module.network.train(mode)
        # Photos above, stylized below.
        rows = [torch.cat(list(batch), dim=2) for batch in (self._photos, stylized)]
        trainer.logger.experiment.add_image(
            "photos_and_stylized", torch.cat(rows, dim=1), trainer.global_step
        )
