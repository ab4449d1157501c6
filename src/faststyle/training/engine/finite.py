"""A training whose numbers are no longer finite stops before it spoils its checkpoint."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from faststyle.core.errors import UserError


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
        _module: pl.LightningModule,
        outputs: Any,
        *_: object,
    ) -> None:
        """Remember, without waiting for the device, whether any loss was not finite."""
        finite = torch.isfinite(outputs["loss"].detach())
        self._finite = finite if self._finite is None else self._finite & finite
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
