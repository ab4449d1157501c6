from types import SimpleNamespace
from typing import Any

import pytest
import torch

from faststyle.training.engine.logger import StepBar, Throughput, flatten_settings


def test_settings_are_named_as_on_the_command_line() -> None:
    config = {"loss": {"_target_": "x.Y", "style": {"relu1_2": 1.0}}, "seed": 0, "size": [1, 2]}
    expected = {"loss.style.relu1_2": 1.0, "seed": 0, "size": "[1, 2]", "init": "None"}
    assert flatten_settings(config | {"init": None}) == expected


def test_names_that_are_not_utf8_are_shown_escaped() -> None:
    assert flatten_settings({"image": "p\udce6.jpg"}) == {"image": "p\\udce6.jpg"}


def test_throughput_tells_work_from_waiting_and_leaves_validation_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 1.0, 4.0, 100.0, 101.0, 104.0])  # seconds at each look
    monkeypatch.setattr("faststyle.training.engine.logger.time.perf_counter", lambda: next(clock))
    logged: dict[str, float] = {}
    module = SimpleNamespace(log=logged.__setitem__)
    trainer: Any = SimpleNamespace(global_step=1, log_every_n_steps=2, world_size=2)
    batch = torch.zeros(3, 3, 8, 8)
    throughput: Any = Throughput()
    throughput.on_train_start(trainer, module)  # 0
    throughput.on_train_batch_start(trainer, module, batch, 0)  # 1: waited 1
    throughput.on_train_batch_end(trainer, module, None, batch, 0)  # 4: worked 3
    assert not logged
    throughput.on_validation_end(trainer, module)  # 100
    throughput.on_train_batch_start(trainer, module, batch, 1)  # 101: waited 1
    trainer.global_step = 2
    throughput.on_train_batch_end(trainer, module, None, batch, 1)  # 104: worked 3
    assert logged == {"work/images_per_second": 12 / 8, "work/data_wait_share": 2 / 8}


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
