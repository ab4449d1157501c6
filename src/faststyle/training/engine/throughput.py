"""How fast a training is, and what it waits for."""

import time
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor


class Throughput(Callback):
    """Log images per second over all processes, and the share of time spent waiting for photos.

    On a GPU also the most of its memory that the run has held. Images and waiting are measured from
    one log line to the next; validation counts for neither.
    """

    def __init__(self) -> None:
        self._seconds = self._waited = 0.0
        self._idle_since = 0.0
        self._pictures = 0

    def on_train_start(self, *_: object) -> None:
        """Start the clock."""
        self._idle_since = time.perf_counter()

    def on_validation_end(self, *_: object) -> None:
        """Go on with the clock."""
        self._idle_since = time.perf_counter()

    def on_train_batch_start(self, *_: object) -> None:
        """Whatever lies between two steps is waiting: the next batch is all that is missing."""
        now = time.perf_counter()
        self._waited += now - self._idle_since
        self._seconds += now - self._idle_since
        self._idle_since = now

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        _outputs: Any,
        batch: Tensor | Sequence[Tensor],  # pictures, perhaps with their labels
        _batch_idx: int,
    ) -> None:
        """Log at the steps where Lightning logs."""
        now = time.perf_counter()
        self._seconds += now - self._idle_since
        self._idle_since = now
        pictures = batch if isinstance(batch, Tensor) else batch[0]
        self._pictures += len(pictures) * trainer.world_size
        if trainer.global_step % trainer.log_every_n_steps:  # type: ignore[attr-defined]
            return
        pl_module.log("work/images_per_second", self._pictures / self._seconds)
        pl_module.log("work/data_wait_share", self._waited / self._seconds)
        if torch.cuda.is_available():
            pl_module.log("work/gpu_memory_gb", torch.cuda.max_memory_reserved() / 1e9)
        self._seconds = self._waited = 0.0
        self._pictures = 0
