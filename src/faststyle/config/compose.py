"""Settings composed outside of Hydra's own command line, and what every composition knows."""

from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from faststyle.config.runs import run_name
from faststyle.config.style_lists import expand_style_list


def compose_config(folder: Path, name: str, overrides: Sequence[str] = ()) -> DictConfig:
    """What ``folder / name.yaml`` composes with ``overrides``, as on a command line.

    Raises Hydra's errors; see :func:`faststyle.config.mistakes.report_config_errors`.
    """
    register_resolvers(folder)
    GlobalHydra.instance().clear()  # a command's own may be open
    with initialize_config_dir(str(folder.resolve()), version_base="1.3"):
        return compose(name, expand_style_list(overrides))


def register_resolvers(folder: Path) -> None:
    """Make two words known to configs: ``${configs:}`` and ``${run_name:GROUP,RESUME}``.

    The first is ``folder``, where configs are; for the second, one process asks the clock only once
    (see :func:`faststyle.config.runs.run_name`).
    """
    OmegaConf.register_new_resolver("configs", lambda: str(folder.resolve()), replace=True)
    OmegaConf.register_new_resolver("run_name", run_name, replace=True, use_cache=True)
