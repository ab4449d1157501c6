import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.training.engine.callbacks import (
    SaveFinalCheckpoint,
    StopOnNonFinite,
    StopOnSignal,
    Throughput,
)


class _Trainer(SimpleNamespace):
    saved: Path | None = None

    def save_checkpoint(self, path: Path) -> None:
        self.saved = path


def _trainer(**options: Any) -> Any:
    defaults = {"world_size": 1, "should_stop": False, "global_step": 3, "max_steps": 9}
    return _Trainer(**{**defaults, **options})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_step_and_saves(number: signal.Signals) -> None:
    stop, save, trainer = StopOnSignal(), SaveFinalCheckpoint(Path("last.ckpt")), _trainer()

    def step() -> None:
        for callback in (stop, save):
            callback.on_train_batch_end(trainer, None)  # type: ignore[arg-type]

    before = signal.getsignal(number)
    stop.on_train_start(trainer, None)  # type: ignore[arg-type]
    step()
    assert not trainer.should_stop
    assert trainer.saved is None
    signal.raise_signal(number)
    step()
    assert trainer.should_stop
    assert trainer.saved == Path("last.ckpt")
    assert stop.received == number
    stop.teardown(trainer, None, "fit")  # type: ignore[arg-type]
    assert signal.getsignal(number) == before


def test_all_processes_stop_when_one_of_them_is_told() -> None:
    strategy = SimpleNamespace(reduce_boolean_decision=lambda decision, all: True)
    stop, trainer = StopOnSignal(), _trainer(world_size=2, strategy=strategy)
    stop.on_train_batch_end(trainer, None)  # type: ignore[arg-type]
    assert trainer.should_stop
    assert stop.received == signal.SIGTERM


def test_the_signals_are_given_back_when_the_run_fails() -> None:
    stop, before = StopOnSignal(), signal.getsignal(signal.SIGTERM)
    stop.on_train_start(_trainer(), None)  # type: ignore[arg-type]
    assert signal.getsignal(signal.SIGTERM) != before
    stop.on_exception(_trainer(), None, ValueError())  # type: ignore[arg-type]
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_state_after_the_last_step_is_saved() -> None:
    save, trainer = SaveFinalCheckpoint(Path("last.ckpt")), _trainer(global_step=8)
    save.on_train_batch_end(trainer, None)  # type: ignore[arg-type]
    assert trainer.saved is None
    trainer.global_step = 9
    save.on_train_batch_end(trainer, None)  # type: ignore[arg-type]
    assert trainer.saved == Path("last.ckpt")


def _step(guard: StopOnNonFinite, trainer: Any, loss: float) -> None:
    outputs = {"loss": torch.tensor(loss)}
    guard.on_train_batch_end(trainer, None, outputs, None, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_is_found_at_the_next_look(loss: float) -> None:
    guard = StopOnNonFinite(every_n_steps=5)
    _step(guard, _trainer(global_step=1), loss)
    _step(guard, _trainer(global_step=2), 1.0)
    with pytest.raises(UserError, match=r"step 5.*learning_rate"):
        _step(guard, _trainer(global_step=5), 1.0)


def test_nothing_is_saved_after_a_loss_that_was_not_finite() -> None:
    guard, checkpoint = StopOnNonFinite(every_n_steps=100), {"state_dict": {"w": torch.zeros(1)}}
    _step(guard, _trainer(global_step=1), 1.0)
    guard.on_save_checkpoint(_trainer(), None, checkpoint)  # type: ignore[arg-type]
    _step(guard, _trainer(global_step=2), float("nan"))
    with pytest.raises(UserError, match="the loss"):
        guard.on_save_checkpoint(_trainer(), None, checkpoint)  # type: ignore[arg-type]


def test_weights_that_are_not_finite_are_not_saved() -> None:
    checkpoint = {"state_dict": {"head.bias": torch.tensor([1.0, float("nan")])}}
    with pytest.raises(UserError, match=r"weight head\.bias"):
        StopOnNonFinite().on_save_checkpoint(_trainer(), None, checkpoint)  # type: ignore[arg-type]


def test_throughput_tells_work_from_waiting_and_leaves_validation_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 1.0, 4.0, 100.0, 101.0, 104.0])  # seconds at each look
    monkeypatch.setattr(
        "faststyle.training.engine.callbacks.time.perf_counter", lambda: next(clock)
    )
    logged: dict[str, float] = {}
    module = SimpleNamespace(log=logged.__setitem__)
    trainer = _trainer(global_step=1, log_every_n_steps=2, world_size=2)
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
    assert logged == {"train/images_per_second": 12 / 8, "train/data_wait_share": 2 / 8}
