from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor, nn
from torch.utils.data import DataLoader

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


class _Overflowing(pl.LightningModule):
    """Steps whose loss is infinite at first, and one float16 layer whose gradients overflow."""

    def __init__(self, infinite: int) -> None:
        super().__init__()
        self.infinite = infinite
        self.layer = nn.Linear(4, 1)
        nn.init.ones_(self.layer.weight)

    def training_step(self, _batch: Tensor, number: int) -> Tensor:
        loss: Tensor = self.layer(torch.ones(2, 4)).float().sum()
        return loss / 0 if number < self.infinite else loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def _train(module: pl.LightningModule, steps: int) -> torch.amp.GradScaler:
    """In 16-mixed, as on CUDA: with a scaler, which a CPU needs to be given."""
    scaler = torch.amp.GradScaler("cpu")
    trainer = pl.Trainer(
        accelerator="cpu",
        plugins=[MixedPrecision("16-mixed", "cpu", scaler)],
        max_steps=steps,
        callbacks=[StopOnNonFinite(every_n_steps=1)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, DataLoader(range(steps), batch_size=1))  # type: ignore[arg-type]
    return scaler


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("infinite", "taken"), [(0, 4), (3, 3)])
def test_in_float16_overflowing_steps_are_left_out_before_a_run_is_called_non_finite(
    infinite: int, taken: int
) -> None:
    """A gradient of 2 times the scale is more than float16 holds until the scale is 2**14."""
    module = _Overflowing(infinite)
    scaler = _train(module, steps=6)
    assert scaler.get_scale() == 2 ** (16 - (6 - taken))
    expected = torch.full((1, 4), 1 - taken * 2 * 0.01)
    torch.testing.assert_close(module.layer.weight.detach(), expected)


@pytest.mark.filterwarnings("ignore")
def test_in_float16_a_run_that_stays_infinite_ends() -> None:
    with pytest.raises(UserError, match="the loss is no longer finite at step 17"):
        _train(_Overflowing(infinite=30), steps=30)
