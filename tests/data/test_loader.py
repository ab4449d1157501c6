import atexit
import itertools
import os
import signal
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset

from faststyle.data.loader import StepSampler, training_loader


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


@given(st.integers(1, 50), st.integers(1, 8), st.integers(1, 30), st.integers(0, 5))
def test_every_epoch_shows_every_photo_once(photos: int, batch: int, steps: int, seed: int) -> None:
    drawn = [d for b in StepSampler(photos, batch, steps, seed=seed) for d in b]
    assert [d.position for d in drawn] == list(range(batch * steps))
    for epoch in range(len(drawn) // photos):
        shown = [d.photo for d in drawn[epoch * photos : (epoch + 1) * photos]]
        assert sorted(shown) == list(range(photos))


@given(st.integers(0, 20), st.integers(0, 5))
def test_a_resumed_run_goes_on_with_the_batches_that_were_left(start: int, seed: int) -> None:
    whole = list(StepSampler(7, 4, 20, seed=seed))
    assert list(StepSampler(7, 4, 20, start=start, seed=seed)) == whole[start:]


@given(st.sampled_from([1, 2, 3, 6]), st.integers(0, 5))
def test_processes_share_the_batches_of_one(world_size: int, seed: int) -> None:
    whole = list(StepSampler(11, 6, 9, seed=seed))
    ranks = [
        list(StepSampler(11, 6, 9, seed=seed, rank=rank, world_size=world_size))
        for rank in range(world_size)
    ]
    joined = [list(itertools.chain(*parts)) for parts in zip(*ranks, strict=True)]
    assert joined == whole


@given(st.lists(st.integers(1, 7), min_size=2, max_size=30), st.integers(1, 4), st.integers(0, 5))
def test_groups_are_shown_a_few_at_a_time_and_every_photo_once(
    groups: list[int], batch: int, seed: int
) -> None:
    photos = sum(groups)
    steps = -(-2 * photos // batch)
    drawn = [
        d.photo for b in StepSampler(photos, batch, steps, seed=seed, groups=groups) for d in b
    ]
    of_group = [g for g, count in enumerate(groups) for _ in range(count)]
    for epoch in range(2):
        shown = drawn[epoch * photos : (epoch + 1) * photos]
        assert sorted(shown) == list(range(photos))
        begun: list[int] = []
        for photo in shown:
            if of_group[photo] not in begun:
                begun.append(of_group[photo])
        for window in range(0, len(begun), 8):  # no group begins before those before are done
            here = set(begun[window : window + 8])
            places = [i for i, photo in enumerate(shown) if of_group[photo] in here]
            assert places == list(range(places[0], places[0] + len(places)))


def test_epochs_and_seeds_differ_in_order() -> None:
    first, second = StepSampler(100, 100, 2, seed=0)
    assert [d.photo for d in first] != [d.photo for d in second]
    assert first != next(iter(StepSampler(100, 100, 1, seed=1)))


def test_the_length_is_the_whole_runs() -> None:
    assert len(StepSampler(5, 2, 30, start=12)) == 30
