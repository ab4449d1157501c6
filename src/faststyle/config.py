"""Hydra around the training: names of runs, and config mistakes as one clear line."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psutil
from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import (
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from faststyle.errors import UserError, causes, nearest

OUTPUTS = Path("outputs")
#: Inside a run's folder: what ``resume=last`` goes on from.
LAST_CHECKPOINT = Path("checkpoints", "last.ckpt")


def run_name(style: str, resume: str | None, job: int | str = "") -> str:
    """``STYLE/DATE_TIME`` for a new run; that of the style's newest run for ``resume=last``.

    A resumed run so goes on in its own folder, log and TensorBoard curve. All processes of a run
    agree, also those that SLURM or torchrun starts, and so do the turns of a job of SLURM's or of
    a run of torchrun's on several machines, which are called by their number or name instead.

    Raises ``UserError`` if torchrun starts it on several machines, and they share no name for it.
    """
    if resume == "last":
        found = list((OUTPUTS / style).glob(f"*/{LAST_CHECKPOINT.as_posix()}"))
        if found:
            newest = max(found, key=lambda path: path.stat().st_mtime)
            return newest.parent.parent.relative_to(OUTPUTS).as_posix()
    suffix = f"_{job}" if str(job) else ""
    return f"{style}/{_common_name()}{suffix}"


def _common_name() -> str:
    """What every process of this run can call it without asking the others."""
    if "SLURM_JOB_ID" in os.environ:
        return f"slurm_{os.environ['SLURM_JOB_ID']}"
    torchrun = os.environ.get("TORCHELASTIC_RUN_ID")
    if torchrun and os.environ["GROUP_WORLD_SIZE"] != "1":  # machines
        if torchrun == "none":
            raise UserError("torchrun on several machines needs --rdzv_id=NAME, equal on all")
        return torchrun
    begun = datetime.now()
    if torchrun:  # the parent of all processes
        begun = datetime.fromtimestamp(psutil.Process(os.getppid()).create_time())
    return f"{begun:%Y-%m-%d_%H-%M-%S}"


def find_resume(resume: str | None, style: str, output_dir: Path) -> Path | None:
    """The checkpoint that ``resume`` means, or none to begin anew.

    Args:
        resume: none; a path; ``last`` of the style's newest run; or ``auto``, which goes on if this
            very run has begun before, as jobs do that a scheduler starts again.
        style: the run's name for errors.
        output_dir: the run's folder.

    Raises:
        UserError: there is no such file.
    """
    if not resume:
        return None
    if resume not in ("last", "auto"):
        path = Path(resume).expanduser()
        if not path.is_file():
            raise UserError(f"no such checkpoint to resume from: {path}")
        return path
    path = output_dir / LAST_CHECKPOINT
    if resume == "auto":
        return path if path.is_file() else None
    if not path.is_file():
        raise UserError(f'no earlier run of style "{style}" to resume in {output_dir.parent}')
    return path


def register_resolvers() -> None:
    """Make ``${run_name:STYLE,RESUME}`` known to configs; one process asks the clock only once."""
    OmegaConf.register_new_resolver("run_name", run_name, replace=True, use_cache=True)


@contextmanager
def report_config_errors(config_dir: Path, config_name: str) -> Iterator[None]:
    """Turn what Hydra and OmegaConf raise for a user's mistake into ``UserError``.

    Expects ``HYDRA_FULL_ERROR=1``: otherwise Hydra prints a traceback of its own.
    """
    try:
        yield
    except MissingConfigException as error:
        raise _missing_choice(error) from None
    except (HydraException, OmegaConfBaseException) as error:
        cause = _user_error_behind(error)
        raise cause or UserError(_explain(error, config_dir, config_name)) from None


def _missing_choice(error: MissingConfigException) -> UserError:
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    if not error.options:
        return UserError(str(error))
    return UserError(f'unknown {group} "{name}": {nearest(name, error.options)}')


def _user_error_behind(error: BaseException) -> UserError | None:
    """The error of ours that Hydra's ``instantiate`` or a resolver wrapped, if it is one."""
    return next((cause for cause in causes(error) if isinstance(cause, UserError)), None)


def _explain(error: Exception, config_dir: Path, config_name: str) -> str:
    text = str(error) or str(error.__cause__ or type(error).__name__)
    choice = re.match(r"In '(\w+)/(\w+)': Could not override '(\w+)'", text)
    if choice:
        return (
            f"{choice[1]}={choice[2]} is for another command than {config_name}.py: here there is"
            f' no "{choice[3]}" to choose'
        )
    key = re.search(r"Could not override '([^']+)'", text)
    if key:
        keys = list(_keys(_default_config(config_dir, config_name)))
        return (
            f'unknown setting "{key[1]}": {_nearest_key(key[1], keys)}'
            f" (or add it with +{key[1]}=...)"
        )
    if isinstance(error, MissingMandatoryValue):
        missing = getattr(error, "full_key", None) or text
        return f"{missing} has no value; pass {missing}=..."
    return text.split("\n")[0] if isinstance(error, InterpolationResolutionError) else text


def _nearest_key(key: str, keys: list[str]) -> str:
    """Among all keys if one is close, else among those beside it."""
    guess = nearest(key, keys)
    if guess.startswith("did"):
        return guess
    parent = key.rpartition(".")[0]
    siblings = [k for k in keys if k.rpartition(".")[0] == parent]
    return nearest(key, siblings or [k for k in keys if "." not in k])


def _default_config(config_dir: Path, config_name: str) -> DictConfig:
    from hydra import initialize_config_dir

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(config_dir.resolve()), version_base="1.3"):
        return compose(config_name)


def _keys(node: DictConfig | ListConfig, prefix: str = "") -> Iterator[str]:
    if isinstance(node, ListConfig):
        return
    for key in node:
        name = f"{prefix}{key!s}"
        yield name
        child = node._get_node(key)
        if isinstance(child, DictConfig) and not child._is_none() and not child._is_missing():
            yield from _keys(child, f"{name}.")
