from types import SimpleNamespace
from typing import Any

import pytest

from faststyle.training.engine.progress import StepBar


def begun(step: int) -> tuple[StepBar, Any]:
    """The bar and the trainer of a run of 240 steps that goes on from ``step``."""
    trainer: Any = SimpleNamespace(
        is_global_zero=True,
        max_steps=240,
        global_step=step,
        state=SimpleNamespace(fn="fit"),
        sanity_checking=False,
    )
    bar = StepBar()
    bar.setup(trainer, trainer, "fit")
    bar.get_metrics = lambda *_: {"train/loss": 0.5, "val/loss": 0.25}  # type: ignore[method-assign]
    bar.on_train_start(trainer, trainer)
    bar.on_train_epoch_start(trainer, trainer)
    return bar, trainer


def drawn_after_30_steps(capsys: pytest.CaptureFixture[str]) -> list[str]:
    bar, trainer = begun(30)
    for step in range(30, 240):
        bar.on_train_batch_end(trainer, trainer, None, None, step)
    bar.on_train_end()
    return [line for line in capsys.readouterr().out.split("\r") if line.strip()]


def test_a_resumed_run_goes_on_where_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    lines = drawn_after_30_steps(capsys)
    assert "30/240" in lines[0]
    assert "240/240" in lines[-1]
    assert "train/loss=0.5" in lines[-1]


def test_a_file_gets_a_line_every_50_steps(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {line.split("/240")[0].split()[-1] for line in drawn_after_30_steps(capsys)}
    assert counts == {"30", "50", "100", "150", "200", "240"}


def test_a_validation_shows_the_step_that_it_was_at(capsys: pytest.CaptureFixture[str]) -> None:
    bar, trainer = begun(0)
    trainer.global_step = 7
    bar.on_validation_start(trainer, trainer)
    bar.on_validation_end(trainer, trainer)
    *_, line = capsys.readouterr().out.split("\r")
    assert "7/240" in line
    assert "val/loss=0.25" in line


def test_a_terminal_gets_every_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    counts = {line.split("/240")[0].split()[-1] for line in drawn_after_30_steps(capsys)}
    assert counts == {str(step) for step in range(30, 241)}
