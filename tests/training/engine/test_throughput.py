from types import SimpleNamespace
from typing import Any

import pytest
import torch

from faststyle.training.engine.throughput import Throughput


def test_throughput_tells_work_from_waiting_and_leaves_validation_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 1.0, 4.0, 100.0, 101.0, 104.0])  # seconds at each look
    monkeypatch.setattr(
        "faststyle.training.engine.throughput.time.perf_counter", lambda: next(clock)
    )
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
