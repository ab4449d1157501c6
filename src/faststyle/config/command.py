"""A script whose settings Hydra composes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from faststyle.config.compose import register_resolvers
from faststyle.config.mistakes import report_config_errors
from faststyle.config.style_lists import expand_style_list
from faststyle.core.errors import report_errors


def _needs_processes_of_its_own(cfg: DictConfig) -> bool:
    """Whether this is one of several runs of a sweep, and Lightning will start processes for it.

    These would begin with the command line of the whole sweep, and one process group cannot follow
    another in one process.
    """
    is_sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    started = {"LOCAL_RANK", "SLURM_PROCID"} & set(os.environ)  # by torchrun, srun
    return is_sweep and not started and cfg.get("trainer", {}).get("devices", 1) != 1


def _run_alone() -> None:
    """Make this run of the sweep a command of its own."""
    job = HydraConfig.get()
    folder = job.runtime.output_dir.replace("'", r"\'")
    command = [sys.executable, sys.argv[0], *job.overrides.task, f"hydra.run.dir='{folder}'"]
    status = subprocess.run(command, check=False).returncode
    if status:
        sys.exit(status)


def launch(task: Callable[[DictConfig], None], config: Path) -> None:
    """Call ``task`` with what the file ``config`` composes and the command line's overrides.

    What a user can put right ends in one line and exit status 2, without a traceback.
    """
    folder, name = config.parent, config.stem

    def reported(cfg: DictConfig) -> None:
        with report_errors(), report_config_errors(folder, name):
            from faststyle.core.devices import reuse_freed_memory  # imports torch

            reuse_freed_memory()
            if _needs_processes_of_its_own(cfg):
                _run_alone()
            else:
                task(cfg)

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach us instead of a traceback
    register_resolvers(folder)
    with report_errors(), report_config_errors(folder, name):
        sys.argv[1:] = expand_style_list(sys.argv[1:])
        hydra.main(version_base="1.3", config_path=str(folder), config_name=name)(reported)()
