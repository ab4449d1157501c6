"""A command whose settings Hydra composes."""

import importlib
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from faststyle.config.compose import CONFIGS, in_hydras_words, register_resolvers
from faststyle.config.mistakes import report_config_errors
from faststyle.core.errors import UserError, report_errors

#: Of what a user can put right.
_USER_STATUS = 2


def launch(task: str, config: str, command: str, arguments: Sequence[str]) -> None:
    """Call ``task`` with what ``configs/CONFIG.yaml`` composes and the overrides ``arguments``.

    ``task`` is ``module:function``, imported only once the settings are right; runs of a sweep are
    started as commands of their own by the name ``command``.

    What a user can put right ends in one line and exit status 2, without a traceback. In a sweep
    it ends that run, and the others follow.
    """
    typed = sys.argv
    failed: list[str] = []

    def reported(cfg: DictConfig) -> None:
        sys.argv = typed  # Lightning starts the other processes of a run by it
        with _noted(failed), report_errors(), report_config_errors(config):
            from faststyle.core.devices import reuse_freed_memory  # imports torch

            reuse_freed_memory()
            if _needs_processes_of_its_own(cfg):
                _run_alone(command)
            else:
                module, _, function = task.partition(":")
                getattr(importlib.import_module(module), function)(cfg)

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach us instead of a traceback
    register_resolvers()
    if "${" in str(Path.cwd()):
        raise UserError(f"{Path.cwd()}: Hydra cannot work in a folder with ${{ in its name")
    with report_config_errors(config), _unchecked_help():
        # Hydra reads nothing else.
        sys.argv = [typed[0], *in_hydras_words(arguments)]
        hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=config)(reported)()
    if failed:
        raise UserError(f"{len(failed)} of the sweep's runs failed: {'; '.join(failed)}")


@contextmanager
def _unchecked_help() -> Iterator[None]:
    """Let Hydra 1.3 make its parser, one of whose help texts is no text until it is shown.

    Since Python 3.14 a parser looks into each text as soon as it gets it.
    """
    check = getattr(ArgumentParser, "_check_help", None)
    if check is None:
        yield
        return
    ArgumentParser._check_help = lambda *_: None  # type: ignore[attr-defined]
    try:
        yield
    finally:
        ArgumentParser._check_help = check  # type: ignore[attr-defined]


@contextmanager
def _noted(failed: list[str]) -> Iterator[None]:
    """Of a run that ends with status 2, in a sweep of this process, note what it was."""
    try:
        yield
    except SystemExit as end:
        job = HydraConfig.get()
        # Other launchers have processes of their own, whose statuses they report themselves.
        is_ours = job.launcher._target_.endswith(".BasicLauncher")
        if end.code != _USER_STATUS or job.mode != RunMode.MULTIRUN or not is_ours:
            raise
        failed.append(" ".join(job.overrides.task))


def _needs_processes_of_its_own(cfg: DictConfig) -> bool:
    """Whether this is one of several runs of a sweep, and Lightning will start processes for it.

    These would begin with the command line of the whole sweep, and one process group cannot follow
    another in one process.
    """
    is_sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    started = {"LOCAL_RANK", "SLURM_PROCID"} & set(os.environ)  # by torchrun, srun
    return is_sweep and not started and cfg.get("trainer", {}).get("devices", 1) != 1


def _run_alone(command: str) -> None:
    """Make this run of the sweep a command of its own."""
    job = HydraConfig.get()
    folder = job.runtime.output_dir.replace("'", r"\'")
    overrides = [*job.overrides.task, f"hydra.run.dir='{folder}'"]
    words = [sys.executable, "-m", "faststyle", command, *overrides]
    status = subprocess.run(words, check=False).returncode
    if status:
        sys.exit(status)
