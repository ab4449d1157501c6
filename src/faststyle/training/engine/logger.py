"""What is seen of a run: a progress bar; in TensorBoard its curves, its settings and its speed."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import Callback, TQDMProgressBar
from pytorch_lightning.callbacks.progress.tqdm_progress import Tqdm
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor
from torch.utils.tensorboard.summary import hparams

from faststyle.config.paths import escape
from faststyle.core.names import shown

_LOSSES = ("train/loss", "val/loss")


class StepLogger(TensorBoardLogger):
    """Lightning's, without the epoch: a run is counted in steps, and its epoch is always 0."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log all of ``metrics`` but ``epoch``."""
        super().log_metrics({k: v for k, v in metrics.items() if k != "epoch"}, step)


class LogHyperparameters(Callback):
    """Show what ``cfg`` sets beside the losses, and keep it as ``hparams.yaml``."""

    def __init__(self, cfg: DictConfig) -> None:
        self.settings = flatten_settings(OmegaConf.to_container(cfg, resolve=True))

    def setup(self, trainer: pl.Trainer, *_: object, **__: object) -> None:
        """Log them, in the process that logs, before the logger saves what it knows so far."""
        if isinstance(trainer.logger, TensorBoardLogger) and trainer.is_global_zero:
            trainer.logger.log_hyperparams(self.settings)
            # Values of the losses come from their curves, without cards of their own.
            for summary in hparams(self.settings, dict.fromkeys(_LOSSES, 0.0)):  # type: ignore[no-untyped-call]
                trainer.logger.experiment.file_writer.add_summary(summary)


def flatten_settings(node: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as ``group.key`` -> value, without Hydra's own ``_target_`` and its like."""
    if not isinstance(node, dict):
        # Lightning reads texts by OmegaConf.
        is_text = not isinstance(node, bool | int | float)
        return {prefix: escape(shown(str(node))) if is_text else node}
    result: dict[str, Any] = {}
    for key, value in node.items():
        if not str(key).startswith("_"):
            result |= flatten_settings(value, f"{prefix}.{key}" if prefix else str(key))
    return result


class Throughput(Callback):
    """Log images per second over all processes, and the share of time spent waiting for photos.

    On a GPU also the most of its memory that the run has held. Images and waiting are measured from
    one log line to the next; validation counts for neither.
    """

    def __init__(self) -> None:
        self._seconds = self._waited = self._last = 0.0
        self._pictures = 0

    def on_train_start(self, *_: object) -> None:
        """Start the clock."""
        self._last = time.perf_counter()

    on_validation_end = on_train_start  # type: ignore[assignment]

    def on_train_batch_start(self, *_: object) -> None:
        """Whatever lies between two steps is waiting: the next batch is all that is missing."""
        self._waited += self._lap()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        _outputs: Any,
        batch: Tensor | Sequence[Tensor],  # pictures, perhaps with their labels
        _batch_idx: int,
    ) -> None:
        """Log at the steps where Lightning logs."""
        self._lap()
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

    def _lap(self) -> float:
        """Seconds since the clock was last looked at."""
        last, self._last = self._last, time.perf_counter()
        self._seconds += self._last - last
        return self._last - last


class StepBar(TQDMProgressBar):
    """Lightning's bar, but of the steps of the whole run, 22/60, and also after a resume.

    In a file, such as a job's log, it is redrawn every 50 steps and after validation only.
    """

    def __init__(self) -> None:
        self._watched = sys.stdout.isatty()
        super().__init__(refresh_rate=1 if self._watched else 50)

    def init_train_tqdm(self) -> Tqdm:
        """Begin where the run does, so that the speed is that of its own steps."""
        return Tqdm(
            desc="training",
            total=self.trainer.max_steps,
            initial=self.trainer.global_step,
            unit="step",
            disable=self.is_disabled,
            dynamic_ncols=True,
            file=sys.stdout,
            smoothing=0,
        )

    def on_train_epoch_start(self, *args: object) -> None:
        """Keep the bar: a run is one pass, which a resume begins in the middle."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the new losses beside the step that they are of."""
        self.train_progress_bar.n = trainer.global_step
        super().on_validation_end(trainer, pl_module)

    def init_validation_tqdm(self) -> Tqdm:
        """A second bar for a moment, if anyone looks."""
        return super().init_validation_tqdm() if self._watched else Tqdm(disable=True)
