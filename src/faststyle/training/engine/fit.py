"""One Lightning run, whatever is trained: callbacks, checkpoints, and how it ends."""

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Callback, LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.utilities import rank_zero_only

from faststyle.config.runs import LAST_CHECKPOINT, find_resume
from faststyle.core.atomic import check_writable
from faststyle.core.interrupts import OUT_OF_TIME
from faststyle.training.engine.callbacks import (
    SaveFinalCheckpoint,
    StopOnNonFinite,
    StopOnSignal,
    Throughput,
)
from faststyle.training.engine.checkpoint_io import AtomicCheckpointIO
from faststyle.training.engine.failures import translate_failures
from faststyle.training.engine.hyperparameters import LogHyperparameters
from faststyle.training.engine.progress import StepBar

log = logging.getLogger(__name__)


def prepare_run(cfg: DictConfig, target: Path, name: str) -> Path | None:
    """What every run does first: see that ``target`` can be written, and seed by ``cfg.seed``.

    Returns the checkpoint to go on from, if ``cfg.resume`` asks for one of the runs called
    ``name``. Raises ``UserError`` if there is none, ``OSError`` if nothing can be written there.
    """
    _quieten()
    check_writable(target.parent)  # now, not after hours of training
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    return find_resume(cfg.resume, name, Path(cfg.output_dir))


def fit(
    cfg: DictConfig,
    module: pl.LightningModule,
    data: pl.LightningDataModule,
    resume: Path | None,
    *callbacks: Callback,
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
        _convert_="all",
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


def _quieten() -> None:
    """Let one process of a run speak for all, without what Lightning says of intended things."""
    if rank_zero_only.rank:  # type: ignore[attr-defined]
        logging.disable(logging.WARNING)
    for talkative in ("pytorch_lightning", "aiobotocore", "botocore"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    for message in (
        ".*in eval mode at the start of training",  # the loss network, always
        ".*overridden `on_after_batch_transfer`",
        ".*your dataloader is not resumable",  # StepSampler starts at the trainer's step
        ".*exists and is not empty",  # resumed runs go on in their folder
        ".*does not have many workers",
        ".*`LeafSpec`|.*treespec",
        ".*`broadcast_buffers` is deprecated",  # torch 2.11 has no other name for it
        "The number of training batches .* is smaller than the logging interval",
    ):
        warnings.filterwarnings("ignore", message)
