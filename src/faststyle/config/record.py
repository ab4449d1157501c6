"""The composed settings of a run, as a file that travels may keep them."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import Any

from omegaconf import DictConfig, OmegaConf

from faststyle.core.version import __version__

#: What belongs to a machine, or to a run's own folder, and makes no other pictures.
_LOCAL = {
    *("hydra", "output_dir", "run_group", "resume", "cache", "logger", "export", "overwrite"),
    *("samples", "default_root_dir", "workers", "checkpoint_every_n_steps"),
}
#: Packages whose versions decide what a training computes.
_PACKAGES = ("torch", "torchvision", "pytorch-lightning")


def describe_run(cfg: DictConfig) -> dict[str, Any]:
    """``settings``, every one that shapes the result, and ``versions``, as values for JSON.

    Of paths the names remain: where files lie on a machine is nobody's business.
    """
    settings = _portable(OmegaConf.to_container(cfg, resolve=True))
    return {"settings": settings, "versions": versions()}


def versions() -> dict[str, str]:
    """Of Python, of faststyle, and of those packages that decide what is computed."""
    found = {"python": platform.python_version(), "faststyle": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _portable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _portable(each) for key, each in value.items() if key not in _LOCAL}
    if isinstance(value, list):
        return [_portable(each) for each in value]
    if isinstance(value, str) and "://" not in value:
        return PurePath(value.replace("\\", "/")).name or value
    return value if isinstance(value, bool | int | float | str | None) else str(value)
