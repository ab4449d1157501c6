"""``--engine ray``: actors of a Ray cluster, or of one that is started on this machine.

Not Ray Data: it starts a task that has ended its process again and again, or gives up the job;
here it must be known which photo is to blame. All that passes Ray's object store is the names of
a shard's pictures: pixels go from storage to the actor and back.
"""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import ray

from faststyle.bulk.engine import WorkerDiedError, dispatch
from faststyle.bulk.manifest import ShardResult
from faststyle.bulk.plan import Shard
from faststyle.bulk.shard import Worker, WorkerConfig


def work(
    shards: Sequence[Shard], config: WorkerConfig, should_stop: Callable[[], bool]
) -> Iterator[ShardResult]:
    """See :func:`faststyle.bulk.engine.dispatch`.

    The cluster is that of ``RAY_ADDRESS``, or of this machine.
    """
    ours = not ray.is_initialized()
    if ours:
        ray.init(logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)

    def wait(answers: list[Any], seconds: float) -> Any:
        return ray.wait(answers, timeout=seconds)[0]

    try:
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        start = partial(_RayHandle, config, worker_resources(config.workers, nodes, config.device))
        yield from dispatch(start, wait, shards, config, should_stop)
    finally:
        if ours:
            ray.shutdown()


def worker_resources(
    workers: int, nodes: Sequence[Mapping[str, float]], device: str
) -> dict[str, float]:
    """What of a cluster each worker is given: cores of its own, and a GPU or a part of one.

    ``nodes``: CPU and GPU of each machine. None has fewer cores than a worker asks for.
    """
    cores = sum(node.get("CPU", 0) for node in nodes)
    gpus = sum(node.get("GPU", 0) for node in nodes) if device != "cpu" else 0
    smallest = min(node["CPU"] for node in nodes if node.get("CPU"))
    return {
        "num_cpus": max(1, min(smallest, cores // workers)),
        # As many to each: none lies on two.
        "num_gpus": 1 / math.ceil(workers / gpus) if gpus else 0,
    }


class _RayHandle:
    """An actor that Ray has started, or will once there is room for it."""

    def __init__(self, config: WorkerConfig, options: dict[str, Any]) -> None:
        # Of its two threads, one listens while the other works.
        remote = ray.remote(_Remote).options(max_concurrency=2, **options)
        self._handle: Any = remote.remote()
        self.answering: Any = self._handle.begin.remote(WorkerConfig(config.output, config.device))

    def ask(self, shard: Shard) -> None:
        self.answering = self._handle.do.remote(shard)

    def answer(self) -> ShardResult | None:
        try:
            answer: ShardResult | None = ray.get(self.answering)
        except ray.exceptions.RayTaskError as error:  # what the worker raised
            raise error.cause from None
        except ray.exceptions.RayError as error:
            raise WorkerDiedError(str(error).strip().splitlines()[0]) from None
        return answer

    def ask_to_stop(self) -> None:
        self._handle.stop.remote()

    def end(self) -> None:
        ray.kill(self._handle)


class _Remote:
    """What lives in the actor."""

    _stopped = False

    def begin(self, config: WorkerConfig) -> None:
        self._worker = Worker(config)

    def do(self, shard: Shard) -> ShardResult:
        return self._worker.do(shard, lambda: self._stopped)

    def stop(self) -> None:
        self._stopped = True
