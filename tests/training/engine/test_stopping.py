import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor, nn
from torch.utils.data import DataLoader

from faststyle.core.errors import UserError
from faststyle.training.engine.stopping import AtomicCheckpointIO, StopAndSave, StopOnNonFinite


class _Trainer(SimpleNamespace):
    saved: Path | None = None

    def save_checkpoint(self, path: Path) -> None:
        self.saved = path


def _trainer(**options: Any) -> Any:
    defaults = {"world_size": 1, "should_stop": False, "global_step": 3, "max_steps": 9}
    return _Trainer(**{**defaults, **options})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_step_and_saves(number: signal.Signals) -> None:
    stop, trainer = StopAndSave(Path("last.ckpt")), _trainer()
    before = signal.getsignal(number)
    stop.on_train_start(trainer, None)
    stop.on_train_batch_end(trainer, None)
    assert not trainer.should_stop
    assert trainer.saved is None
    signal.raise_signal(number)
    stop.on_train_batch_end(trainer, None)
    assert trainer.should_stop
    assert trainer.saved == Path("last.ckpt")
    assert stop.received == number
    stop.teardown(trainer, None, "fit")
    assert signal.getsignal(number) == before


def test_all_processes_stop_when_one_of_them_is_told() -> None:
    strategy = SimpleNamespace(reduce_boolean_decision=lambda _decision, **_: True)
    stop, trainer = StopAndSave(Path("last.ckpt")), _trainer(world_size=2, strategy=strategy)
    stop.on_train_batch_end(trainer, None)
    assert trainer.should_stop
    assert stop.received == signal.SIGTERM


def test_the_signals_are_given_back_when_the_run_fails() -> None:
    stop, before = StopAndSave(Path("last.ckpt")), signal.getsignal(signal.SIGTERM)
    stop.on_train_start(_trainer(), None)
    assert signal.getsignal(signal.SIGTERM) != before
    stop.on_exception(_trainer(), None, ValueError())
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_state_after_the_last_step_is_saved() -> None:
    save, trainer = StopAndSave(Path("last.ckpt")), _trainer(global_step=8)
    save.on_train_batch_end(trainer, None)
    assert trainer.saved is None
    trainer.global_step = 9
    save.on_train_batch_end(trainer, None)
    assert trainer.saved == Path("last.ckpt")


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    AtomicCheckpointIO().save_checkpoint({"step": 3, "w": torch.ones(2)}, tmp_path / "a" / "b.ckpt")
    content = AtomicCheckpointIO().load_checkpoint(tmp_path / "a" / "b.ckpt", weights_only=True)
    assert content["step"] == 3
    assert content["w"].tolist() == [1, 1]


def test_a_full_disk_keeps_the_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"step": 1}, path)
    write = Path.write_bytes

    def write_half(self: Path, data: memoryview) -> int:
        write(self, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError, match=r"No space left on device: '.*last\.ckpt'"):
        AtomicCheckpointIO().save_checkpoint({"step": 2}, path)
    assert torch.load(path, weights_only=True) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


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
