from types import SimpleNamespace
from typing import Any

import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.training.engine.finite import StopOnNonFinite


def running(global_step: int = 3, scaler: object = None) -> Any:
    precision = SimpleNamespace(scaler=scaler)
    return SimpleNamespace(world_size=1, global_step=global_step, precision_plugin=precision)


def _step(guard: StopOnNonFinite, trainer: Any, loss: float) -> None:
    outputs = {"loss": torch.tensor(loss)}
    guard.on_train_batch_end(trainer, None, outputs, None, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_is_found_at_the_next_look(loss: float) -> None:
    guard = StopOnNonFinite(every_n_steps=5)
    _step(guard, running(global_step=1), loss)
    _step(guard, running(global_step=2), 1.0)
    with pytest.raises(UserError, match=r"step 5.*learning_rate"):
        _step(guard, running(global_step=5), 1.0)


def test_nothing_is_saved_after_a_loss_that_was_not_finite() -> None:
    guard, checkpoint = StopOnNonFinite(every_n_steps=100), {"state_dict": {"w": torch.zeros(1)}}
    _step(guard, running(global_step=1), 1.0)
    guard.on_save_checkpoint(running(), None, checkpoint)  # type: ignore[arg-type]
    _step(guard, running(global_step=2), float("nan"))
    with pytest.raises(UserError, match="the loss"):
        guard.on_save_checkpoint(running(), None, checkpoint)  # type: ignore[arg-type]


def test_weights_that_are_not_finite_are_not_saved() -> None:
    checkpoint = {"state_dict": {"head.bias": torch.tensor([1.0, float("nan")])}}
    with pytest.raises(UserError, match=r"weight head\.bias"):
        StopOnNonFinite().on_save_checkpoint(running(), None, checkpoint)  # type: ignore[arg-type]


def test_a_scaler_may_leave_out_a_few_overflowing_steps_in_a_row_and_no_more() -> None:
    guard, scaled = StopOnNonFinite(every_n_steps=1), running(scaler=object())
    for _ in range(3):
        for loss in (*[float("inf")] * 16, 1.0):
            _step(guard, scaled, loss)
    for _ in range(16):
        _step(guard, scaled, float("inf"))
    with pytest.raises(UserError, match="the loss is no longer finite"):
        _step(guard, scaled, float("inf"))
