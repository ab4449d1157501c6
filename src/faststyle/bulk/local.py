"""``--engine local``: processes of this machine, so that a photo that ends one ends no job."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from faststyle.bulk.engine import WorkerDiedError, dispatch
from faststyle.bulk.manifest import ShardResult
from faststyle.bulk.plan import Shard
from faststyle.bulk.shard import Worker, WorkerConfig
from faststyle.core.interrupts import leave_signals_to_parent
from faststyle.core.processes import PipeProcess, ProcessDiedError


def work(
    shards: Sequence[Shard], config: WorkerConfig, should_stop: Callable[[], bool]
) -> Iterator[ShardResult]:
    """See :func:`faststyle.bulk.engine.dispatch`."""
    started: list[_LocalHandle] = []

    def start() -> _LocalHandle:
        used = [worker.device for worker in started if not worker.answering.closed]
        device = choose_device(config.device, torch.cuda.device_count(), used)
        started.append(_LocalHandle(replace(config, device=device)))
        return started[-1]

    return dispatch(start, wait, shards, config, should_stop)


def choose_device(wanted: str, gpus: int, used: Sequence[str]) -> str:
    """The GPU, of so many, that the fewest processes use; or ``wanted``, if that is one device."""
    if not gpus or wanted not in ("auto", "cuda"):
        return wanted
    return min((f"cuda:{number}" for number in range(gpus)), key=used.count)


class _LocalHandle(PipeProcess):
    """A process that does shards."""

    def __init__(self, config: WorkerConfig) -> None:
        super().__init__(_serve, config)
        self.device = config.device
        self.answering = self.pipe

    def ask(self, shard: Shard | None) -> None:
        with suppress(OSError):  # it has died since, as its answer will say
            self.pipe.send(shard)

    def answer(self) -> ShardResult | None:
        try:
            answer: ShardResult | None = self.receive()
        except ProcessDiedError as error:
            raise WorkerDiedError(str(error)) from None
        return answer

    def ask_to_stop(self) -> None:
        self.ask(None)


def _serve(pipe: "Connection[Any, Any]", config: WorkerConfig) -> None:
    """Do shards until the other end of the pipe is closed, be it by a death."""
    leave_signals_to_parent()
    try:
        worker = Worker(config)
        pipe.send(None)
        while True:
            shard = pipe.recv()
            # Whatever comes while it works is the wish to stop, or the end of who asked.
            if shard is not None:
                pipe.send(worker.do(shard, should_stop=pipe.poll))
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        pipe.send(error)
