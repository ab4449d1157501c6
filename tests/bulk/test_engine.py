"""Sharing out, with workers that are no processes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from faststyle.bulk.engine import WorkerDiedError, dispatch
from faststyle.bulk.manifest import ShardResult
from faststyle.bulk.plan import ImageTask, Shard
from faststyle.bulk.shard import WorkerConfig
from faststyle.core.errors import UserError


class Toy:
    """A worker that answers at once, or dies as ``dies`` says of the pictures in hand."""

    def __init__(self, dies: Callable[[list[str]], bool]) -> None:
        self.dies, self.shard, self.stopped = dies, Shard(()), False
        self.answering = self

    def ask(self, shard: Shard) -> None:
        self.shard = shard

    def answer(self) -> ShardResult | None:
        names = [task.target for task in self.shard.tasks]
        if self.dies(names):
            raise WorkerDiedError("signal SIGKILL")
        return ShardResult(done=[(name, "0") for name in names]) if names else None

    def ask_to_stop(self) -> None:
        self.stopped = True

    def end(self) -> None:
        self.ended = True


class ToyStarter:
    def __init__(self, dies: Callable[[list[str]], bool] = lambda _: False) -> None:
        self.dies, self.started = dies, list[Toy]()

    def start(self) -> Toy:
        self.started.append(Toy(self.dies))
        return self.started[-1]

    def wait(self, workers: Sequence[Toy], _seconds: float) -> Sequence[Toy]:
        return workers[:1]


def shards(count: int, size: int) -> list[Shard]:
    tasks = [ImageTask(f"/in/{number}", str(number), "0") for number in range(count)]
    return [Shard(tuple(tasks[at : at + size])) for at in range(0, count, size)]


def run(
    starter: ToyStarter, work: Sequence[Shard], out: Path, should_stop: Callable[[], bool]
) -> tuple[list[str], dict[str, str]]:
    """Targets that are done, and reasons of those that failed."""
    config = WorkerConfig(str(out), workers=2)
    results = list(dispatch(starter.start, starter.wait, work, config, should_stop))
    failed = [each for result in results for each in result.failed]
    done = [target for result in results for target, _ in result.done]
    return done, {each["target"]: each["reason"] for each in failed}


def never() -> bool:
    return False


def test_every_picture_is_done_once_by_no_more_actors_than_are_wanted(tmp_path: Path) -> None:
    starter = ToyStarter()
    done, failed = run(starter, shards(10, 3), tmp_path, never)
    assert sorted(done, key=int) == [str(number) for number in range(10)]
    assert failed == {}
    assert len(starter.started) == 2
    assert all(worker.ended for worker in starter.started)


def test_the_picture_that_kills_is_found_tried_twice_by_itself_and_given_up(
    tmp_path: Path,
) -> None:
    tries = []

    def dies(names: list[str]) -> bool:
        tries.extend([names] if "4" in names else [])
        return "4" in names

    done, failed = run(ToyStarter(dies), shards(10, 5), tmp_path, never)
    assert sorted(done, key=int) == [str(number) for number in range(10) if number != 4]
    assert failed == {"4": "2 processes died of it: signal SIGKILL"}
    assert tries == [["0", "1", "2", "3", "4"], ["4"], ["4"]]


def test_what_dies_by_chance_loses_nothing(tmp_path: Path) -> None:
    deaths = iter([False] * 5 + [True] + [False] * 3 + [True] + [False] * 100)
    done, failed = run(ToyStarter(lambda _: next(deaths)), shards(20, 4), tmp_path, never)
    assert sorted(done, key=int) == [str(number) for number in range(20)]
    assert failed == {}


def test_actors_that_die_before_they_are_ready_end_the_job(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="processes die before they begin: signal SIGKILL"):
        run(ToyStarter(lambda names: not names), shards(4, 2), tmp_path, never)


def test_asked_to_stop_it_begins_no_more_shards(tmp_path: Path) -> None:
    answers = iter([False] * 4 + [True] * 100)
    starter = ToyStarter()
    done, _ = run(starter, shards(100, 1), tmp_path, lambda: next(answers))
    assert 0 < len(done) < 10
    assert all(worker.ended for worker in starter.started)
