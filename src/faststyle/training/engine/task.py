"""What is trained, and how any such thing is run."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Callback

from faststyle.config.paths import input_files
from faststyle.config.runs import find_resume
from faststyle.core.atomic import check_target
from faststyle.core.errors import UserError
from faststyle.core.names import check_name
from faststyle.core.torch_files import read_torch
from faststyle.networks.conv3x3 import choose_kernel
from faststyle.styles.catalog import beside_shipped
from faststyle.training.engine.fit import fit
from faststyle.training.engine.quiet import quiet_library_logs

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One kind of training, ready to begin.

    Args:
        module: what is trained.
        data: what it sees.
        write: called when it is complete, with the file that is to hold the result.
        callbacks: besides those of every run.
        check_resume: raises ``UserError`` if this cannot go on from a checkpoint.
        done: what the log says of ``write``.
    """

    module: pl.LightningModule
    data: pl.LightningDataModule
    write: Callable[[Path], None]
    callbacks: Sequence[Callback] = ()
    check_resume: Callable[[Path], object] | None = None
    done: str = "wrote"


def spare_shipped(asked: Path, overwrite: bool) -> Path:
    """Where a training may write: beside a file that ships with faststyle, and so it is said.

    Args:
        asked: the file of the result.
        overwrite: whether it may be written whatever it is.
    """
    target = asked if overwrite else beside_shipped(asked)
    if target != asked:
        log.warning(
            "%s ships with faststyle and stays; this run writes %s (overwrite=true replaces it)",
            *(asked, target),
        )
    return target


def run_task(
    cfg: DictConfig, name: str, target: str, build: Callable[[DictConfig], Task]
) -> Path | None:
    """Build a task and train it to its end, after what can be checked without it.

    Args:
        cfg: with ``seed``, ``kernel``, ``resume``, ``output_dir``, and what ``fit`` and ``build``
            ask for.
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
    quiet_library_logs()
    choose_kernel(str(cfg.kernel))
    path = Path(target).expanduser()
    check_target(path, input_files(cfg))  # now, not after hours of training
    check_name(Path(cfg.output_dir))
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    resume = find_resume(cfg.resume, name, Path(cfg.output_dir))
    task = build(cfg)
    if resume:
        if task.check_resume:
            task.check_resume(resume)
        _check_incomplete(resume, cfg)
        log.info("resuming from %s", resume)
    trainer = fit(cfg, task.module, task.data, resume, task.callbacks)
    if not trainer.is_global_zero:
        return None
    task.write(path)
    log.info("%s %s", task.done, path)
    return path


def _check_incomplete(resume: Path, cfg: DictConfig) -> None:
    step, steps = read_torch(resume).get("global_step"), cfg.trainer.max_steps
    if not isinstance(step, int):
        raise UserError(f"{resume} is no checkpoint of training to resume from")
    if step < steps or steps < 0:  # without end
        return
    if step > steps:
        raise UserError(f"{resume} is at step {step} already: raise trainer.max_steps from {steps}")
    message = f"the run of {resume} is already complete: raise trainer.max_steps from {steps}"
    if cfg.resume != "auto":
        raise UserError(message)
    log.warning(message)
