"""Visitors' wishes, one after another: a pass of a network uses every core."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from faststyle.apps.demo.worker import VisitorError

log = logging.getLogger(__name__)

#: Wishes that may be there at once, of all visitors and of one address; to more the page says
#: that it is busy. Those behind one proxy that does not hand their addresses on are as one.
MAX_WISHES, MAX_EACH = 64, 24
#: Pages ask several times a second how far their wish is. Those that have not, are gone.
GONE_AFTER = 15.0
#: How much the latest wish counts in the estimate of what one takes.
_LATEST = 0.3
_BUSY = "Too many visitors are waiting. Please try again in a minute."


@dataclass(eq=False)
class StyleRequest:
    """Something that a visitor waits for.

    Args:
        work: makes it.
        cost: how long that takes, in any unit that is common to all.
        of: a photo, and what is made of it: a new wish takes the place of an old one of the same.
        visitor: whose it is.
    """

    work: Callable[[], Awaitable[bytes]]
    cost: float
    of: tuple[str, str]
    visitor: str = ""
    asked: float = 0.0
    started: float | None = None
    result: bytes | None = None
    problem: VisitorError | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be granted."""
        return self.result is None and self.problem is None


@dataclass(frozen=True)
class QueuePosition:
    """How far a wish is: ``ahead`` of it wait so many, and ``seconds`` are left, if known."""

    ahead: int
    seconds: float | None


class RequestQueue:
    """Takes wishes, and grants them in their order while :meth:`serve` runs."""

    def __init__(self) -> None:
        self._wishes: dict[str, StyleRequest] = {}
        self._granting: StyleRequest | None = None  # perhaps for a visitor who is gone
        self._more = asyncio.Event()
        self._seconds: float | None = None  # of a wish that costs 1

    def add(self, wish: StyleRequest) -> str:
        """Let a wish wait; returns its name. Raises ``VisitorError`` if too many are there."""
        name = secrets.token_urlsafe(16)
        wish.asked = time.monotonic()
        for old, other in self._wishes.items():
            if other.of == wish.of and other.started is None:
                self._replace(old, name, wish)
                return name
        of_visitor = sum(other.visitor == wish.visitor for other in self._wishes.values())
        if len(self._wishes) >= MAX_WISHES or of_visitor >= MAX_EACH:
            raise VisitorError(_BUSY, "again")
        self._wishes[name] = wish
        self._more.set()
        return name

    def drop(self, name: str) -> None:
        """Forget a wish; one that is being worked at is finished for nobody."""
        self._wishes.pop(name, None)

    def find(self, name: str) -> StyleRequest | None:
        """A wish, which is not gone, since somebody asks for it; none if it is not known."""
        wish = self._wishes.get(name)
        if wish is not None:
            wish.asked = time.monotonic()
        return wish

    def place(self, wish: StyleRequest) -> QueuePosition:
        """How far it is."""
        granting = self._granting
        before = [granting] if granting is not None and granting is not wish else []
        for other in self._wishes.values():
            if other is wish:
                break
            if other.is_open and other is not granting:
                before.append(other)
        if self._seconds is None:
            return QueuePosition(len(before), None)
        seconds = self._seconds * sum(other.cost for other in (*before, wish))
        if granting is not None and granting.started is not None:
            seconds -= min(time.monotonic() - granting.started, self._seconds * granting.cost)
        return QueuePosition(len(before), seconds)

    async def serve(self) -> None:
        """Grant wishes until cancelled."""
        while True:
            waiting = next((w for w in self._wishes.values() if w.started is None), None)
            if waiting is None:
                self._more.clear()
                await self._more.wait()
                continue
            self._granting = waiting
            try:
                await self._grant(waiting)
            finally:
                self._granting = None

    def evict_stale(self) -> None:
        """Drop the wishes of visitors who left."""
        now = time.monotonic()
        for name, wish in list(self._wishes.items()):
            if now - wish.asked > GONE_AFTER:
                self.drop(name)

    def _replace(self, old: str, name: str, wish: StyleRequest) -> None:
        """At the same place in the line."""
        renamed = [(name, wish) if key == old else (key, w) for key, w in self._wishes.items()]
        self._wishes = dict(renamed)

    async def _grant(self, wish: StyleRequest) -> None:
        wish.started = time.monotonic()
        try:
            wish.result = await wish.work()
        except VisitorError as refused:
            wish.problem = refused
            return
        except Exception:
            log.exception("a mistake of faststyle's: please report it")
            wish.problem = VisitorError(
                "Something went wrong here, and it was not your photo's fault.", "again"
            )
            return
        taken = (time.monotonic() - wish.started) / wish.cost
        before = taken if self._seconds is None else self._seconds
        self._seconds = before + _LATEST * (taken - before)
