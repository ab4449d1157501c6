"""What a user gets wrong in settings, as one clear line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hydra.errors import HydraException, MissingConfigException
from omegaconf import OmegaConf
from omegaconf.errors import (
    InterpolationKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from faststyle.config.compose import CONFIGS, compose_config
from faststyle.core.errors import UserError, causes, nearest


@contextmanager
def report_config_errors(config_name: str) -> Iterator[None]:
    """Turn what Hydra and OmegaConf raise for a user's mistake into ``UserError``.

    Expects ``HYDRA_FULL_ERROR=1``: otherwise Hydra prints a traceback of its own.
    """
    try:
        yield
    except MissingConfigException as error:
        raise _missing_choice(error, config_name) from None
    except (HydraException, OmegaConfBaseException) as error:
        # Hydra's instantiate, or a resolver, may have wrapped an error of ours.
        ours = next((cause for cause in causes(error) if isinstance(cause, UserError)), None)
        raise ours or UserError(_explain(error, config_name)) from None
    except ValueError as error:  # Hydra's own, of style=1
        if not str(error).startswith("Config group override"):
            raise
        raise UserError(f"a choice, as style= or encoder=, must be a name: {error}") from None


def _missing_choice(error: MissingConfigException, config_name: str) -> UserError:
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    if not error.options:
        return UserError(str(error))
    # Choices of one command alone lie in a folder of its name.
    for command in CONFIGS.iterdir():
        if (command / group / f"{name}.yaml").is_file():
            return UserError(
                f"{group}={name} is for another command than {config_name}: {command.name}"
            )
    # What others build on is nothing to choose.
    choices = [option for option in error.options if not option.startswith("_")]
    return UserError(f'unknown {group} "{name}": {nearest(name, choices)}')


def _explain(error: Exception, config_name: str) -> str:
    text = str(error) or str(error.__cause__ or type(error).__name__)
    key = re.search(r"Could not override '([^']+)'", text)
    if key:
        keys = list(_keys(OmegaConf.to_container(compose_config(config_name))))
        if key[1] in keys:
            return f"{key[1]} is no setting of what else is chosen here, as by experiment="
        return (
            f'unknown setting "{key[1]}": {_nearest_key(key[1], keys)}'
            f" (or add it with +{key[1]}=...)"
        )
    if isinstance(error, MissingMandatoryValue):
        missing = getattr(error, "full_key", None) or text
        return f"{missing} has no value; pass {missing}=..."
    if isinstance(error, InterpolationKeyError):
        where = f"{error.full_key}: " if error.full_key else ""
        return f"{where}{text.splitlines()[0]}; if ${{ is part of a name, write \\${{"
    return text.split("\n")[0] if isinstance(error, InterpolationResolutionError) else text


def _nearest_key(key: str, keys: list[str]) -> str:
    """Among all keys if one is close, else among those beside it."""
    guess = nearest(key, keys)
    if guess.startswith("did"):
        return guess
    parent = key.rpartition(".")[0]
    siblings = [k for k in keys if k.rpartition(".")[0] == parent]
    return nearest(key, siblings or [k for k in keys if "." not in k])


def _keys(node: Any, prefix: str = "") -> Iterator[str]:
    for key, child in node.items() if isinstance(node, dict) else ():
        yield f"{prefix}{key}"
        yield from _keys(child, f"{prefix}{key}.")
