import atexit
import os
import signal
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from faststyle.data.loader import training_loader


class Reporting(Dataset[int]):
    """Reports errors as the thread does that hands a loader process's tensors to the training."""

    def __getitem__(self, draw: object) -> int:
        for error in (ConnectionResetError("hung up"), EOFError("gone"), ValueError("a bug")):
            sys.excepthook(type(error), error, None)
        return 0


class Terminated(Dataset[int]):
    """Told by SIGTERM to end, as a scheduler tells each process of a job."""

    def __getitem__(self, draw: object) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 7


def _loader(samples: Dataset[int]) -> DataLoader[int]:
    trainer: Any = SimpleNamespace(world_size=1, global_rank=0, max_steps=1, global_step=0)
    return training_loader(samples, 1, trainer, batch_size=1, workers=1, seed=0)


def test_loader_processes_do_not_report_that_the_training_is_gone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    list(_loader(Reporting()))
    assert capfd.readouterr().err.strip() == "ValueError: a bug"


def test_loader_processes_outlive_sigterm_though_a_fork_of_their_parent_has_ended() -> None:
    if (fork := os.fork()) == 0:
        atexit._run_exitfuncs()
        os._exit(0)
    os.waitpid(fork, 0)
    assert list(_loader(Terminated())) == [torch.tensor([7])]
