"""Settings composed outside of Hydra's own command line, and the objects that they describe."""

import copy
from collections.abc import Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import hydra.utils
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, ListConfig, Node, OmegaConf

from faststyle.config.lists import expand_style_list, expand_value_lists
from faststyle.config.paths import check_grammar, escape, keys_of, quote_paths
from faststyle.config.runs import run_name
from faststyle.core.assets import bundled_folder
from faststyle.core.errors import UserError

#: Where configs lie that came with faststyle.
CONFIGS = bundled_folder("configs").resolve()


def compose_config(name: str, overrides: Sequence[str] = ()) -> DictConfig:
    """What ``configs/NAME.yaml`` composes with ``overrides``, as on a command line.

    Raises Hydra's errors; see :func:`faststyle.config.mistakes.report_config_errors`.
    """
    register_resolvers()
    GlobalHydra.instance().clear()  # a command's own may be open
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(name, in_hydras_words(overrides))


def in_hydras_words(overrides: Sequence[str]) -> list[str]:
    """What people type, as Hydra's parser takes it: lists of styles, lists in files, and paths.

    Raises ``UserError`` for a list that is none, and for what Hydra cannot parse.
    """
    words = quote_paths(expand_value_lists(expand_style_list(overrides)))
    check_grammar(words)
    return words


def register_resolvers() -> None:
    """Make words known to configs: ``${configs:}``, ``${run_name:GROUP,RESUME}`` and the like.

    The first is :data:`CONFIGS`; for the second, one process asks the clock only once
    (see :func:`faststyle.config.runs.run_name`); the third is a file's name without its ending, by
    which each of many paintings can name its style. ``${default:}`` is :func:`default_of`.
    """
    OmegaConf.register_new_resolver("configs", lambda: str(CONFIGS), replace=True)
    OmegaConf.register_new_resolver("stem", lambda path: Path(path).stem, replace=True)
    OmegaConf.register_new_resolver("run_name", run_name, replace=True, use_cache=True)
    OmegaConf.register_new_resolver("default", default_of, replace=True)


def default_of(*, _node_: Node, _parent_: DictConfig) -> Any:
    """The default of a setting in the signature that owns it: of ``_target_``, or of its bases.

    So a config shows a setting, and can explain it, without saying its default once more. The
    class is imported only where the value is asked for.

    Raises ``UserError`` if there is none.
    """
    key, target = str(_node_._key()), _parent_._get_node("_target_")
    owned = hydra.utils.get_object(str(target))
    for owner in getattr(owned, "__mro__", (owned,)):
        found = signature(owner).parameters.get(key)
        if found and found.default is not Parameter.empty:
            return found.default
    raise UserError(f"{_node_._get_full_key(key)}: {target} has no default for {key}")


def instantiate(config: DictConfig, *args: Any, **kwargs: Any) -> Any:
    """Hydra's, also for names that hold ``${``; objects get plain lists and dicts.

    Hydra resolves a copy of the settings, and then reads it as if it were not resolved, and lists
    and dicts of its own once more.
    """
    copied = copy.deepcopy(config)
    _escape_texts(copied)
    return hydra.utils.instantiate(copied, *args, _convert_="all", **kwargs)


def _escape_texts(node: DictConfig | ListConfig) -> None:
    for key in keys_of(node):
        value = node[key]
        if isinstance(value, str) and "${" in value:
            node[key] = escape(escape(value))
        elif OmegaConf.is_config(value) and not OmegaConf.is_interpolation(node, key):
            _escape_texts(value)
