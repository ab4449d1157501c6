"""A training whose numbers are no longer finite stops before it spoils its checkpoint."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from faststyle.core.errors import UserError

#: Steps in a row that the scaler of gradients may leave out: each halves its scale of 2**16.
_SKIPPED = 16


def _has_scaler(trainer: pl.Trainer) -> bool:
    return getattr(trainer.precision_plugin, "scaler", None) is not None


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
        self._row: Tensor | None = None
        self._longest: Tensor | None = None

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        _module: pl.LightningModule,
        outputs: Any,
        *_: object,
    ) -> None:
        """Remember, without waiting for the device, which losses were not finite."""
        bad = (~torch.isfinite(outputs["loss"].detach())).long()
        self._row = bad if self._row is None else bad * (self._row + 1)
        self._longest = bad if self._longest is None else torch.maximum(self._longest, self._row)
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
        if self._longest is None:
            return
        allowed = _SKIPPED if _has_scaler(trainer) else 0
        finite = int(self._longest) <= allowed
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
