"""Visitors' requests, one after another: a pass of a network uses every core."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from faststyle.apps.demo.worker import VisitorError

log = logging.getLogger(__name__)

#: Requests that may be there at once, of all visitors and of one address; to more the page says
#: that it is busy. Those behind one proxy that does not hand their addresses on are as one.
MAX_REQUESTS, MAX_EACH = 64, 24
#: Pages ask several times a second how far their request is. Those that have not, are gone.
GONE_AFTER = 15.0
#: How much the latest request counts in the estimate of what one takes.
_LATEST = 0.3
_BUSY = "Too many visitors are waiting. Please try again in a minute."


@dataclass(eq=False)
class StyleRequest:
    """Something that ``work`` makes for a visitor; its ``cost`` is in a unit common to all.

    ``subject``: a photo, and what is made of it. A new request replaces a waiting one of the same.
    """

    work: Callable[[], Awaitable[bytes]]
    cost: float
    subject: tuple[str, str]
    visitor: str = ""
    asked: float = 0.0
    started: float | None = None
    result: bytes | None = None
    problem: VisitorError | None = None


@dataclass(frozen=True)
class QueuePosition:
    """How many requests are ``ahead``, and how many ``seconds`` are left, if known."""

    ahead: int
    seconds: float | None


class RequestQueue:
    """Runs requests in their order, while :meth:`serve` does."""

    def __init__(self) -> None:
        self._requests: dict[str, StyleRequest] = {}
        self._running: StyleRequest | None = None  # perhaps for a visitor who is gone
        self._more = asyncio.Event()
        self._seconds: float | None = None  # of a request that costs 1

    def add(self, request: StyleRequest) -> str:
        """Append a request; returns its name. Raises ``VisitorError`` if too many are there."""
        name = secrets.token_urlsafe(16)
        request.asked = time.monotonic()
        for old, other in self._requests.items():
            if other.subject == request.subject and other.started is None:
                there = self._requests.items()
                entries = [(name, request) if entry[0] == old else entry for entry in there]
                self._requests = dict(entries)
                return name
        of_visitor = sum(other.visitor == request.visitor for other in self._requests.values())
        if len(self._requests) >= MAX_REQUESTS or of_visitor >= MAX_EACH:
            raise VisitorError(_BUSY, "again")
        self._requests[name] = request
        self._more.set()
        return name

    def drop(self, name: str) -> None:
        """Remove a request; one that runs is finished for nobody."""
        self._requests.pop(name, None)

    def find(self, name: str) -> StyleRequest | None:
        """The request of that name, whose visitor is still there; none if it is not known."""
        request = self._requests.get(name)
        if request is not None:
            request.asked = time.monotonic()
        return request

    def position(self, request: StyleRequest) -> QueuePosition:
        """Where it stands in the queue."""
        running = self._running
        before = [running] if running is not None and running is not request else []
        for other in self._requests.values():
            if other is request:
                break
            if other.started is None:
                before.append(other)
        if self._seconds is None:
            return QueuePosition(len(before), None)
        seconds = self._seconds * sum(other.cost for other in (*before, request))
        if running is not None and running.started is not None:
            seconds -= min(time.monotonic() - running.started, self._seconds * running.cost)
        return QueuePosition(len(before), seconds)

    async def serve(self) -> None:
        """Run requests until cancelled."""
        while True:
            waiting = next((r for r in self._requests.values() if r.started is None), None)
            if waiting is None:
                self._more.clear()
                await self._more.wait()
                continue
            self._running = waiting
            try:
                await self._run(waiting)
            finally:
                self._running = None

    def evict_stale(self) -> None:
        """Remove the requests of visitors who left."""
        now = time.monotonic()
        for name, request in list(self._requests.items()):
            if now - request.asked > GONE_AFTER:
                self.drop(name)

    async def _run(self, request: StyleRequest) -> None:
        request.started = time.monotonic()
        try:
            request.result = await request.work()
        except VisitorError as refused:
            request.problem = refused
            return
        except Exception:
            log.exception("a mistake of faststyle's: please report it")
            request.problem = VisitorError(
                "Something went wrong here, and it was not your photo's fault.", "again"
            )
            return
        taken = (time.monotonic() - request.started) / request.cost
        before = taken if self._seconds is None else self._seconds
        self._seconds = before + _LATEST * (taken - before)
