"""A script whose settings Hydra composes."""

import os
from collections.abc import Callable
from pathlib import Path

import hydra
from omegaconf import DictConfig

from faststyle.config import register_resolvers, report_config_errors
from faststyle.errors import report_errors


def run(task: Callable[[DictConfig], None], config: Path) -> None:
    """Call ``task`` with what the file ``config`` composes and the command line's overrides.

    What a user can put right ends in one line and exit status 2, without a traceback.
    """
    folder, name = config.parent, config.stem

    def reported(cfg: DictConfig) -> None:
        with report_errors(), report_config_errors(folder, name):
            from faststyle.hardware import reuse_freed_memory  # imports torch

            reuse_freed_memory()
            task(cfg)

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach us instead of a traceback
    register_resolvers()
    with report_errors(), report_config_errors(folder, name):
        hydra.main(version_base="1.3", config_path=str(folder), config_name=name)(reported)()
