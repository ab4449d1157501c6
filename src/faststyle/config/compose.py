"""Settings composed outside of Hydra's own command line."""

from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from faststyle.config.runs import register_resolvers


def compose_config(folder: Path, name: str, overrides: Sequence[str] = ()) -> DictConfig:
    """What ``folder / name.yaml`` composes with ``overrides``, as on a command line.

    Raises Hydra's errors; see :func:`faststyle.config.mistakes.report_config_errors`.
    """
    register_resolvers()
    GlobalHydra.instance().clear()  # a command's own may be open
    with initialize_config_dir(str(folder.resolve()), version_base="1.3"):
        return compose(name, list(overrides))
