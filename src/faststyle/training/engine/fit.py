"""One run of Lightning: callbacks, checkpoints, and how it ends."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Callback, LearningRateMonitor, ModelCheckpoint

from faststyle.config.objects import instantiate
from faststyle.config.runs import LAST_CHECKPOINT
from faststyle.core.interrupts import OUT_OF_TIME
from faststyle.training.engine.checkpoint_io import AtomicCheckpointIO
from faststyle.training.engine.failures import translate_failures
from faststyle.training.engine.finite import StopOnNonFinite
from faststyle.training.engine.hyperparameters import LogHyperparameters
from faststyle.training.engine.progress import StepBar
from faststyle.training.engine.stopping import SaveFinalCheckpoint, StopOnSignal
from faststyle.training.engine.throughput import Throughput

log = logging.getLogger(__name__)


def fit(
    cfg: DictConfig,
    module: pl.LightningModule,
    data: pl.LightningDataModule,
    resume: Path | None,
    callbacks: Sequence[Callback] = (),
) -> pl.Trainer:
    """Train ``module`` by ``cfg.trainer``; all files go into ``cfg.output_dir``.

    If a signal stops the run, it is saved, and the process exits with 128 plus the signal's number.

    Args:
        cfg: with ``trainer``, ``logger``, ``output_dir`` and ``checkpoint_every_n_steps``.
        module: what is trained.
        data: what it sees.
        resume: a checkpoint to go on from.
        callbacks: besides those of every run.

    Raises:
        UserError: the loss is no longer finite, or data cannot be had.
        OSError: the disk is full.
    """
    out = Path(cfg.output_dir)
    stop = StopOnSignal()
    saved = model_checkpoint(
        out, filename=LAST_CHECKPOINT.stem, every_n_train_steps=cfg.checkpoint_every_n_steps
    )
    bar = [StepBar()] if cfg.trainer.get("enable_progress_bar", True) else []
    trainer: pl.Trainer = instantiate(
        cfg.trainer,
        logger=instantiate(cfg.logger),
        callbacks=[
            *callbacks,
            *bar,
            stop,
            StopOnNonFinite(),
            Throughput(),
            LearningRateMonitor(),
            LogHyperparameters(cfg),
            # What averages weights, stops, or refuses to save must have had its turn before.
            SaveFinalCheckpoint(out / LAST_CHECKPOINT),
            saved,
        ],
        plugins=[AtomicCheckpointIO()],
    )
    with translate_failures(trainer, out):
        # Our own checkpoints need no code to be read, so a foreign one gets none to run.
        trainer.fit(module, data, ckpt_path=resume, weights_only=True)
    if stop.received:
        step = trainer.global_step
        log.warning("stopped at step %d of %d; go on with resume=last", step, trainer.max_steps)
        if stop.received == OUT_OF_TIME and trainer.is_global_zero:
            _requeue()
        sys.exit(128 + stop.received)
    return trainer


def model_checkpoint(out: Path, **options: Any) -> ModelCheckpoint:
    """One checkpoint under one name, replaced atomically, instead of last-v1, last-v2 ..."""
    return ModelCheckpoint(out / LAST_CHECKPOINT.parent, enable_version_counter=False, **options)


def _requeue() -> None:
    """Ask SLURM, which has warned that the job's time is over, for another turn."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is not None:
        log.warning("asking SLURM to go on with job %s", job)
        subprocess.run(["scontrol", "requeue", job], check=False)
