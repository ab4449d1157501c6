"""What engines have in common: shards go to processes, one at a time, and some of these die."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from faststyle.bulk.manifest import Manifest, ShardResult
from faststyle.bulk.plan import Shard
from faststyle.bulk.shard import WorkerConfig
from faststyle.core.errors import UserError
from faststyle.core.storage import Folder

#: A photo is given up when so many processes have died that had no other to do.
_TRIES = 2
#: A job is given up when so many processes for each actor die, in a row, before they are ready: a
#: machine that is lost may have many that were about to be.
_STILLBORN = 3
_SECONDS = 1.0


class DiedError(Exception):
    """A process has died, or the machine that it was on."""


class Actor(Protocol):
    """A process with a :class:`Worker`. It answers when that is ready, and then to each shard."""

    def ask(self, shard: Shard) -> None:
        """Have a shard done."""

    def answer(self) -> ShardResult | None:
        """What became of the shard; none of an actor that has become ready.

        Raises ``DiedError``, or what the worker raised.
        """

    def ask_to_stop(self) -> None:
        """Have it finish the picture in hand, and answer."""

    def end(self) -> None:
        """End the process."""


class Starter(Protocol):
    """How an engine starts processes, and waits for several of them."""

    def start(self) -> Any:
        """An :class:`Actor` that need not be ready yet."""

    def wait(self, actors: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Those of the actors that have answered, or died; none after so many seconds."""


def dispatch(
    starter: Starter, shards: Sequence[Shard], order: WorkerConfig, should_stop: Callable[[], bool]
) -> Iterator[ShardResult]:
    """Have every shard done by one of ``order.actors`` processes; yields what became of each.

    The photos of a shard whose process died are done again, each by itself. So the one that is to
    blame is found; it is given up when it has ended two processes of its own.

    Raises:
        UserError: processes die before they are ready, or find no style or device.
        StorageError: a shard could not be read or stored.
    """
    queue, deaths = deque(shards), Counter[str]()
    busy: dict[Actor, Shard | None] = {}  # no shard: not ready yet
    idle: list[Actor] = []
    stopping = False
    try:
        while queue or any(busy.values()):
            if should_stop() and not stopping:
                stopping = True
                queue.clear()
                for actor in busy:
                    actor.ask_to_stop()
            while idle and queue:
                actor, shard = idle.pop(), queue.popleft()
                busy[actor] = shard
                actor.ask(shard)
            coming = sum(shard is None for shard in busy.values())
            for _ in range(min(len(queue) - coming, order.actors - len(busy) - len(idle))):
                busy[starter.start()] = None
            for actor in starter.wait(list(busy), _SECONDS):
                done = busy.pop(actor)
                name = done.name if done else ""
                try:
                    record = actor.answer()
                except DiedError as error:
                    actor.end()
                    deaths[name] += 1
                    if deaths[""] == _STILLBORN * order.actors:
                        raise UserError(f"processes die before they begin: {error}") from None
                    record = None
                    if done and not stopping:
                        record = _after_death(done, deaths[name], error, queue, order)
                else:
                    idle.append(actor)
                    deaths[""] = 0
                if record is not None:
                    yield record
    finally:
        for actor in (*busy, *idle):
            actor.end()


def _after_death(
    shard: Shard, deaths: int, error: DiedError, queue: deque[Shard], order: WorkerConfig
) -> ShardResult | None:
    """Queue again what a dead process had to do; or give a photo up, and note it."""
    if len(shard.items) > 1:
        queue.extend(Shard((item,)) for item in shard.items)
        return None
    if deaths < _TRIES:
        queue.append(shard)
        return None
    record = ShardResult()
    record.fail(shard.items[0], f"{deaths} processes died of it: {error}")
    Manifest(Folder(order.output)).note(shard.name, record)
    return record
