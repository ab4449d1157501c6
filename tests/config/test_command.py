import sys
from argparse import Action, ArgumentParser
from typing import Any

import pytest

from faststyle.config.command import launch


@pytest.fixture
def python_3_14(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A parser that looks into help texts as soon as it gets them, as Python 3.14's does."""

    def check(_parser: ArgumentParser, action: Action) -> None:
        if action.help and "%" in action.help:
            _ = action.help % {}

    add = ArgumentParser.add_argument

    def add_and_check(parser: ArgumentParser, *names: Any, **options: Any) -> Action:
        action = add(parser, *names, **options)
        parser._check_help(action)  # type: ignore[attr-defined]
        return action

    monkeypatch.setattr(ArgumentParser, "_check_help", check, raising=False)
    monkeypatch.setattr(ArgumentParser, "add_argument", add_and_check)
    return check


def test_hydras_parser_is_made_by_python_3_14(
    python_3_14: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TypeError):
        ArgumentParser().add_argument("--x", help=object())  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "argv", ["faststyle", "train", "--cfg", "job"])
    launch("no.module:needed", "train", "train", ["style=starry_night", "--cfg", "job"])
    assert "style_weight" in capsys.readouterr().out
    assert ArgumentParser._check_help is python_3_14  # type: ignore[attr-defined]
