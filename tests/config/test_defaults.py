"""Each default stands once: in the signature that owns it."""

from collections.abc import Iterator
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_object
from omegaconf import OmegaConf

from faststyle.config.compose import CONFIGS, compose_config
from faststyle.config.mistakes import report_config_errors
from faststyle.core.errors import UserError

FILES = sorted(CONFIGS.rglob("*.yaml"))


def _described_objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if str(node.get("_target_", "")).startswith(("faststyle.", "recipes.")):
            yield node
        for value in node.values():
            yield from _described_objects(value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONFIGS).as_posix())
def test_no_config_says_a_default_of_a_signature_again(path: Path) -> None:
    repeated = []
    for node in _described_objects(OmegaConf.to_container(OmegaConf.load(path))):
        parameters = signature(get_object(node["_target_"])).parameters
        for key, value in node.items():
            default = parameters[key].default if key in parameters else Parameter.empty
            same = list(default) if isinstance(default, tuple) else default
            if type(value) is type(same) and value == same:
                repeated.append(key)
    assert not repeated, "write ${default:}"


def test_a_default_can_be_seen_and_overridden() -> None:
    assert compose_config("train").model.photo_noise == 2
    assert compose_config("train", ["model.photo_noise=0.5"]).model.photo_noise == 0.5
    assert compose_config("train").style.size == 256


def test_a_setting_without_a_default_in_the_signature_is_named() -> None:
    cfg = compose_config("train", ["+model.nothing=${default:}"])
    with (
        pytest.raises(UserError, match="StyleTransfer has no default for nothing"),
        report_config_errors("train"),
    ):
        _ = cfg.model.nothing
