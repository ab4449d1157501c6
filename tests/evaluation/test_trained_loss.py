from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from faststyle.config.compose import compose_config
from faststyle.core.errors import UserError
from faststyle.evaluation.trained_loss import build_loss, style_overrides
from faststyle.styles import StyleMetadata, catalog, read_style
from tests.places import ROOT

SHIPPED = [ROOT / "checkpoints" / f"{name}.safetensors" for name in sorted(catalog.SHIPPED)]
RANDOM = ["encoder=vgg11", "encoder.weights=random"]
LOSS = {"content": {"relu2_1": 1.0}, "style": {"relu1_1": 2.0}, "style_weight": 3.0}


def composed(overrides: list[str]) -> DictConfig:
    return compose_config("train", [*overrides, "style.size=32"])


def metadata(**more: Any) -> StyleMetadata:
    return replace(StyleMetadata("flow_field", loss=LOSS), **more)


def test_the_styles_own_settings_are_used_unless_others_are_given() -> None:
    known = StyleMetadata("udnie", style_size=256)
    assert style_overrides(known, []) == ["style=udnie", "style.size=256"]
    given = ["style=mine", "encoder=vgg16"]
    assert style_overrides(known, given) == ["style.size=256", "style=mine", "encoder=vgg16"]


def test_the_loss_is_the_one_that_the_style_was_trained_with() -> None:
    loss = build_loss(composed(["style=flow_field", *RANDOM]), metadata())
    assert loss.terms["content"].layers == {"relu2_1": 1.0}
    assert loss.terms["style"].layers == {"relu1_1": 6.0}


def test_a_checkpoint_cannot_choose_what_code_is_run() -> None:
    evil = LOSS | {"_target_": "os.system", "command": "true"}
    with pytest.raises(UserError, match="loss is not known here"):
        build_loss(composed(["style=flow_field", *RANDOM]), metadata(loss=evil))
    harmless = LOSS | {"_target_": "os.system"}
    loss = build_loss(composed(["style=flow_field", *RANDOM]), metadata(loss=harmless))
    assert loss.terms["style"].layers == {"relu1_1": 6.0}


@pytest.mark.parametrize("content", [1, "relu2_1", {"relu2_1": "much"}, {"layers": ["relu2_1"]}])
def test_a_loss_that_makes_no_sense_is_one_line(content: object) -> None:
    odd = LOSS | {"content": content}
    with pytest.raises(UserError, match="loss is not known here"):
        build_loss(composed(["style=flow_field", *RANDOM]), metadata(loss=odd))


@pytest.mark.parametrize(("part", "kind"), [("statistic", "style loss"), ("scale", "loss.scale")])
def test_only_registered_names_are_taken_from_a_checkpoint(part: str, kind: str) -> None:
    cfg = composed(["style=flow_field", *RANDOM])
    with pytest.raises(UserError, match=f'unknown {kind} "os.system": choose one of'):
        build_loss(cfg, metadata(loss=LOSS | {part: "os.system"}))
    node = {"_target_": "os.system", "command": "true"}
    with pytest.raises(UserError, match="is neither a name nor a"):
        build_loss(cfg, metadata(loss=LOSS | {part: node}))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_loss_of_every_style_that_ships_is_known(path: Path) -> None:
    trained = read_style(path).metadata.loss
    loss = build_loss(composed(["style=flow_field", "encoder=lite"]), metadata(loss=trained))
    # Older files have a target, and do not know the grid.
    expected = {"grid_weight": 0.0} | {k: trained[k] for k in trained if k != "_target_"}
    assert loss.describe() == expected


def test_another_painting_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    build_loss(composed(["style=flow_field", *RANDOM]), metadata(style_sha256=("0" * 64,)))
    assert "another file than the one" in caplog.text
