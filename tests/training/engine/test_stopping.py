import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from faststyle.training.engine.stopping import AtomicCheckpointIO, SaveFinalCheckpoint, StopOnSignal


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
    stop.on_train_start(trainer, None)
    step()
    assert not trainer.should_stop
    assert trainer.saved is None
    signal.raise_signal(number)
    step()
    assert trainer.should_stop
    assert trainer.saved == Path("last.ckpt")
    assert stop.received == number
    stop.teardown(trainer, None, "fit")
    assert signal.getsignal(number) == before


def test_all_processes_stop_when_one_of_them_is_told() -> None:
    strategy = SimpleNamespace(reduce_boolean_decision=lambda _decision, **_: True)
    stop, trainer = StopOnSignal(), _trainer(world_size=2, strategy=strategy)
    stop.on_train_batch_end(trainer, None)  # type: ignore[arg-type]
    assert trainer.should_stop
    assert stop.received == signal.SIGTERM


def test_the_signals_are_given_back_when_the_run_fails() -> None:
    stop, before = StopOnSignal(), signal.getsignal(signal.SIGTERM)
    stop.on_train_start(_trainer(), None)
    assert signal.getsignal(signal.SIGTERM) != before
    stop.on_exception(_trainer(), None, ValueError())
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_state_after_the_last_step_is_saved() -> None:
    save, trainer = SaveFinalCheckpoint(Path("last.ckpt")), _trainer(global_step=8)
    save.on_train_batch_end(trainer, None)  # type: ignore[arg-type]
    assert trainer.saved is None
    trainer.global_step = 9
    save.on_train_batch_end(trainer, None)  # type: ignore[arg-type]
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
