"""What engines have in common: shards go to workers, one at a time, and some of these die."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from faststyle.bulk.manifest import Manifest, ShardResult
from faststyle.bulk.plan import Shard
from faststyle.bulk.shard import WorkerConfig
from faststyle.core.errors import UserError
from faststyle.core.storage import Folder

#: A photo is given up when so many processes have died that had no other to do.
_TRIES = 2
#: A job is given up when so many processes for each worker die, in a row, before they are ready: a
#: machine that is lost may have many that were about to be.
_STILLBORN = 3
_SECONDS = 1.0


class WorkerDiedError(Exception):
    """A process has died, or the machine that it was on."""


class WorkerHandle(Protocol):
    """A process with a :class:`Worker`, which answers when it is ready, and then to each shard.

    ``answering`` is what the engine waits for: that it has answered, or died.
    """

    answering: Any

    def ask(self, shard: Shard) -> None:
        """Have a shard done."""

    def answer(self) -> ShardResult | None:
        """What became of the shard; none if the worker has become ready.

        Raises ``WorkerDiedError``, or what the worker raised.
        """

    def ask_to_stop(self) -> None:
        """Have it finish the picture in hand, and answer."""

    def end(self) -> None:
        """End the process."""


Handle = TypeVar("Handle", bound=WorkerHandle)


def dispatch(
    start: Callable[[], Handle],
    wait: Callable[[list[Any], float], Sequence[Any]],
    shards: Sequence[Shard],
    config: WorkerConfig,
    should_stop: Callable[[], bool],
) -> Iterator[ShardResult]:
    """Have every shard done by one of ``config.workers`` processes; yields what became of each.

    The photos of a shard whose process died are done again, each by itself. So the one that is to
    blame is found; it is given up when it has ended two processes of its own.

    ``start`` starts a process, which need not be ready yet. ``wait`` gives what has come of several
    ``answering``; nothing after so many seconds.

    Raises:
        UserError: processes die before they are ready, or find no style or device.
        StorageError: a shard could not be read or stored.
    """
    queue, deaths = deque(shards), Counter[str]()
    busy: dict[Handle, Shard | None] = {}  # no shard: not ready yet
    idle: list[Handle] = []
    stopping = False
    try:
        while queue or any(busy.values()):
            if should_stop() and not stopping:
                stopping = True
                queue.clear()
                for worker in busy:
                    worker.ask_to_stop()
            while idle and queue:
                worker, shard = idle.pop(), queue.popleft()
                busy[worker] = shard
                worker.ask(shard)
            coming = sum(shard is None for shard in busy.values())
            for _ in range(min(len(queue) - coming, config.workers - len(busy) - len(idle))):
                busy[start()] = None
            ready = wait([worker.answering for worker in busy], _SECONDS)
            for worker in [worker for worker in busy if worker.answering in ready]:
                done = busy.pop(worker)
                result = None
                try:
                    result = worker.answer()
                    idle.append(worker)
                    deaths[""] = 0
                except WorkerDiedError as error:
                    worker.end()
                    name = done.name if done else ""
                    deaths[name] += 1
                    if deaths[""] == _STILLBORN * config.workers:
                        raise UserError(f"processes die before they begin: {error}") from None
                    if done and not stopping:
                        result = _after_death(done, deaths[name], error, queue, config)
                if result is not None:
                    yield result
    finally:
        for worker in (*busy, *idle):
            worker.end()


def _after_death(
    shard: Shard, deaths: int, error: WorkerDiedError, queue: deque[Shard], config: WorkerConfig
) -> ShardResult | None:
    """Queue again what a dead process had to do; or give a photo up, and note it."""
    if len(shard.tasks) > 1:
        queue.extend(Shard((task,)) for task in shard.tasks)
        return None
    if deaths < _TRIES:
        queue.append(shard)
        return None
    result = ShardResult()
    result.fail(shard.tasks[0], f"{deaths} processes died of it: {error}")
    Manifest(Folder(config.output)).note(shard.name, result)
    return result
