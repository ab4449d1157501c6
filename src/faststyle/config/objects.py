"""The objects that settings describe."""

import copy
from typing import Any

import hydra.utils
from omegaconf import DictConfig, ListConfig, OmegaConf

from faststyle.config.paths import escape, values_of


def instantiate(config: DictConfig, *args: Any, **kwargs: Any) -> Any:
    """Hydra's, also for names that hold ``${``; objects get plain lists and dicts.

    Hydra resolves a copy of the settings, and then reads it as if it were not resolved, and lists
    and dicts of its own once more.
    """
    copied = copy.deepcopy(config)
    _escape_texts(copied)
    return hydra.utils.instantiate(copied, *args, _convert_="all", **kwargs)


def _escape_texts(node: DictConfig | ListConfig) -> None:
    for key, value in values_of(node):
        if isinstance(value, str) and "${" in value:
            node[key] = escape(escape(value))
        elif OmegaConf.is_config(value) and not OmegaConf.is_interpolation(node, key):
            _escape_texts(value)
