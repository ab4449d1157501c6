import sys
from types import SimpleNamespace
from typing import Any

import pytest
from torch.utils.data import Dataset

from faststyle.data.loader import training_loader


class Reporting(Dataset[int]):
    """Reports errors as the thread does that hands a loader process's tensors to the training."""

    def __getitem__(self, draw: object) -> int:
        for error in (ConnectionResetError("hung up"), EOFError("gone"), ValueError("a bug")):
            sys.excepthook(type(error), error, None)
        return 0


def test_loader_processes_do_not_report_that_the_training_is_gone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    trainer: Any = SimpleNamespace(world_size=1, global_rank=0, max_steps=1, global_step=0)
    list(training_loader(Reporting(), 1, trainer, batch_size=1, workers=1, seed=0))
    assert capfd.readouterr().err.strip() == "ValueError: a bug"
