"""A process in which visitors' photos are worked at, so that none of them can end the server."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pebble import ProcessExpired, ProcessPool

from faststyle.apps.demo import worker
from faststyle.apps.demo.worker import VisitorError
from faststyle.core.processes import fresh_processes

log = logging.getLogger(__name__)

#: Seconds after which the work on a photo is ended.
TIME_LIMIT = 60.0


class WorkerPool:
    """A process that does the work; one that dies, or takes too many seconds, is replaced.

    ``styles`` and ``options`` are those of :class:`faststyle.apps.demo.worker.ModelRegistry`.
    """

    def __init__(
        self, styles: Sequence[str], options: Mapping[str, Any], time_limit: float = TIME_LIMIT
    ) -> None:
        context = fresh_processes(worker.__name__)
        self._pool = ProcessPool(
            1, initializer=worker.start, initargs=(styles, options), context=context
        )
        self._time_limit = time_limit

    async def do(self, what: Callable[..., Any], *arguments: Any, limited: bool = True) -> Any:
        """What ``what`` returns there. Raises ``VisitorError``."""
        limit = self._time_limit if limited else None
        future = self._pool.schedule(what, arguments, timeout=limit)
        try:
            return await asyncio.wrap_future(future)
        except (TimeoutError, ProcessExpired) as error:
            log.warning("%s: %s", what.__name__, error)
            problem = "This photo takes more than can be done here. Choose a smaller size."
            raise VisitorError(problem, "smaller") from None

    def close(self) -> None:
        """End the process."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()
