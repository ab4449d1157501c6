"""What is trained, and one run of Lightning that trains it."""

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Callback, LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.utilities import rank_zero_only

from faststyle.config.compose import instantiate
from faststyle.config.paths import input_files
from faststyle.config.runs import LAST_CHECKPOINT, find_resume
from faststyle.core.atomic import check_target
from faststyle.core.errors import UserError
from faststyle.core.interrupts import OUT_OF_TIME
from faststyle.core.names import check_name
from faststyle.core.torch_files import read_torch
from faststyle.networks.kernels import choose_kernel
from faststyle.training.engine.logger import LogHyperparameters, StepBar, Throughput
from faststyle.training.engine.stopping import (
    AtomicCheckpointIO,
    StopAndSave,
    StopOnNonFinite,
    translate_failures,
)

log = logging.getLogger(__name__)

#: What Lightning and torch say of intended things.
_INTENDED = (
    ".*in eval mode at the start of training",  # the loss network, always
    ".*overridden `on_after_batch_transfer`",
    ".*your dataloader is not resumable",  # StepSampler starts at the trainer's step
    ".*exists and is not empty",  # resumed runs go on in their folder
    ".*does not have many workers",
    ".*`LeafSpec`|.*treespec",
    ".*`broadcast_buffers` is deprecated",  # torch 2.11 has no other name for it
    "The number of training batches .* is smaller than the logging interval",
)

_STEPS, _BATCH = "trainer.max_steps says how long a run is", "data.batch_size says how many photos"
#: Settings of Lightning's that change what a step sees, or how many steps there are: of each the
#: one value that keeps a resumed run equal to an undisturbed one, and what to set instead.
_FIXED: dict[str, tuple[object, str]] = {
    "accumulate_grad_batches": (1, f"{_BATCH} a step takes, over all processes"),
    "limit_train_batches": (1.0, _STEPS),
    "overfit_batches": (0, "for a few photos, let data.root be a folder of them"),
    "fast_dev_run": (False, _STEPS),
    "max_epochs": (-1, _STEPS),
    "min_epochs": (None, _STEPS),
    "min_steps": (None, _STEPS),
    "use_distributed_sampler": (False, "batches are split over processes already"),
    "reload_dataloaders_every_n_epochs": (0, "photos come from one loader for the whole run"),
    "barebones": (False, "a run keeps its log and its checkpoints"),
    "enable_checkpointing": (True, "checkpoint_every_n_steps says how often one is written"),
}


@dataclass(frozen=True)
class Task:
    """One kind of training, ready to begin.

    ``write`` is called when it is complete, with the file that is to hold the result; ``done`` is
    what the log says then. ``check_resume`` raises ``UserError`` if it cannot go on from a
    checkpoint. ``callbacks`` are besides those of every run.
    """

    module: pl.LightningModule
    data: pl.LightningDataModule
    write: Callable[[Path], None]
    callbacks: Sequence[Callback] = ()
    check_resume: Callable[[Path], object] = lambda _: None
    done: str = "wrote"


def run_task(
    cfg: DictConfig, name: str, target: str, build: Callable[[DictConfig], Task]
) -> Path | None:
    """Build a task and train it to its end, after what can be checked without it.

    Args:
        cfg: with ``seed``, ``kernel``, ``resume``, ``output_dir``, ``trainer``, ``logger``,
            ``checkpoint_every_n_steps``, and what ``build`` asks for.
        name: of its runs, for errors.
        target: the file of the result.
        build: makes the task; this may take long.

    Returns:
        The file of the result, or none in all processes but the first. If a signal stopped the run,
        the process exits with 128 plus the signal's number, and the run can be resumed.

    Raises:
        UserError: anything that the user can put right; see :mod:`faststyle.core.errors`. So is a
            run to resume that has taken its steps; a job that a scheduler starts again
            (``resume=auto``) writes its result once more instead.
        OSError: the result cannot be written there, or the disk is full.
    """
    _quiet_library_logs()
    check_trainer(cfg.trainer)
    choose_kernel(str(cfg.kernel))
    path, out = Path(target).expanduser(), Path(cfg.output_dir)
    check_target(path, input_files(cfg))  # now, not after hours of training
    check_name(out)
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    resume = find_resume(cfg.resume, name, out)
    task = build(cfg)
    if resume:
        task.check_resume(resume)
        _check_goes_on(resume, cfg)
        log.info("resuming from %s", resume)
    trainer = _fit(cfg, task, resume)
    if not trainer.is_global_zero:
        return None
    task.write(path)
    log.info("%s %s", task.done, path)
    return path


def check_trainer(settings: Mapping[str, object]) -> None:
    """Raise ``UserError`` for a setting of Lightning's, or of SLURM's, that runs cannot follow."""
    for name, (fixed, instead) in _FIXED.items():
        value = settings.get(name)
        if value is not None and value != fixed:
            raise UserError(f"trainer.{name}={value} is not for these runs: {instead}")
    tasks = os.environ.get("SLURM_NTASKS", "1")
    interactive = os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive")  # Lightning's words
    if tasks != "1" and "SLURM_NTASKS_PER_NODE" not in os.environ and not interactive:
        raise UserError(
            f"SLURM gave --ntasks={tasks} without saying how many run on a machine: ask for"
            " --nodes=N --ntasks-per-node=M and start by srun, or for --ntasks=1"
        )


def model_checkpoint(cfg: DictConfig, **options: Any) -> ModelCheckpoint:
    """One checkpoint under one name, replaced atomically, instead of last-v1, last-v2 ..."""
    folder = Path(cfg.output_dir, LAST_CHECKPOINT.parent)
    return ModelCheckpoint(folder, enable_version_counter=False, **options)


def _quiet_library_logs() -> None:
    """Let one process of a run speak for all, and nobody of what is intended."""
    if rank_zero_only.rank:  # type: ignore[attr-defined]
        logging.disable(logging.WARNING)
    for talkative in ("pytorch_lightning", "aiobotocore", "botocore"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    for message in _INTENDED:
        warnings.filterwarnings("ignore", message)


def _check_goes_on(resume: Path, cfg: DictConfig) -> None:
    content = read_torch(resume)
    step, steps = content.get("global_step"), cfg.trainer.max_steps
    if not isinstance(step, int):
        raise UserError(f"{resume} is no checkpoint of training to resume from")
    averages = "averaging_state" in content
    if averages != bool(cfg.get("averaging")):
        began, say = ("with", "add") if averages else ("without", "leave out")
        raise UserError(f"{resume} was trained {began} averaged weights: {say} averaging=ema")
    if step < steps or steps < 0:  # without end
        return
    if step > steps:
        raise UserError(f"{resume} is at step {step} already: raise trainer.max_steps from {steps}")
    message = f"the run of {resume} is already complete: raise trainer.max_steps from {steps}"
    if cfg.resume != "auto":
        raise UserError(message)
    log.warning(message)


def _fit(cfg: DictConfig, task: Task, resume: Path | None) -> pl.Trainer:
    out, every = Path(cfg.output_dir), cfg.checkpoint_every_n_steps
    stop = StopAndSave(out / LAST_CHECKPOINT)
    bar = [StepBar()] if cfg.trainer.get("enable_progress_bar", True) else []
    trainer: pl.Trainer = instantiate(
        cfg.trainer,
        logger=instantiate(cfg.logger),
        callbacks=[
            *task.callbacks,
            *bar,
            StopOnNonFinite(),
            Throughput(),
            LearningRateMonitor(),
            LogHyperparameters(cfg),
            stop,  # what averages weights, or refuses to save, must have had its turn before
            model_checkpoint(cfg, filename=LAST_CHECKPOINT.stem, every_n_train_steps=every),
        ],
        plugins=[AtomicCheckpointIO()],
    )
    with translate_failures(trainer, out):
        # Our own checkpoints need no code to be read, so a foreign one gets none to run.
        trainer.fit(task.module, task.data, ckpt_path=resume, weights_only=True)
    if stop.received:
        step = trainer.global_step
        log.warning("stopped at step %d of %d; go on with resume=last", step, trainer.max_steps)
        job = os.environ.get("SLURM_JOB_ID")
        if stop.received == OUT_OF_TIME and trainer.is_global_zero and job:
            log.warning("asking SLURM to go on with job %s", job)  # for another turn
            subprocess.run(["scontrol", "requeue", job], check=False)
        sys.exit(128 + stop.received)
    return trainer
