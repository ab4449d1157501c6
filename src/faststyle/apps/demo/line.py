"""Visitors' wishes, one after another: a pass of a network uses every core."""

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from faststyle.apps.demo.work import VisitorError

log = logging.getLogger(__name__)

#: Wishes that may wait; to more visitors the page says that it is busy.
MAX_WAITING = 64
#: Pages ask several times a second how far their wish is. Those that have not, are gone.
GONE_AFTER = 15.0
#: How much the latest wish counts in the estimate of what one takes.
_LATEST = 0.3


@dataclass(eq=False)
class Wish:
    """Something that a visitor waits for.

    Args:
        work: makes it.
        cost: how long that takes, in any unit that is common to all.
        of: whose it is: a new wish takes the place of an old one of the same, if that still waits.
    """

    work: Callable[[], Awaitable[bytes]]
    cost: float
    of: str
    asked: float = 0.0
    started: float | None = None
    result: bytes | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Place:
    """How far a wish is: ``ahead`` of it wait so many, and ``seconds`` are left, if known."""

    ahead: int
    seconds: float | None


class Line:
    """Takes wishes, and grants them in their order while :meth:`serve` runs."""

    def __init__(self) -> None:
        self._wishes: OrderedDict[str, Wish] = OrderedDict()
        self._more = asyncio.Event()
        self._seconds: float | None = None  # of a wish that costs 1

    def add(self, wish: Wish) -> str:
        """Let a wish wait; returns its name. Raises ``VisitorError`` if too many do."""
        for name, other in self._waiting():
            if other.of == wish.of:
                self.drop(name)
        if len(self._waiting()) >= MAX_WAITING:
            raise VisitorError("Too many visitors are waiting. Please try again in a minute.")
        name = secrets.token_urlsafe(16)
        wish.asked = time.monotonic()
        self._wishes[name] = wish
        self._more.set()
        return name

    def drop(self, name: str) -> None:
        """Forget a wish; one that is being worked at is finished for nobody."""
        self._wishes.pop(name, None)

    def look(self, name: str) -> bytes | Place | None:
        """What was wished for, or how far it is, or none if it is not known.

        Raises ``VisitorError`` if it cannot be had. What it was is forgotten with the answer.
        """
        wish = self._wishes.get(name)
        if wish is None:
            return None
        wish.asked = time.monotonic()
        if wish.result is None and wish.problem is None:
            return self._place(wish)
        self.drop(name)
        if wish.result is None:
            raise VisitorError(wish.problem)
        return wish.result

    async def serve(self) -> None:
        """Grant wishes until cancelled."""
        while True:
            waiting = self._waiting()
            if not waiting:
                self._more.clear()
                await self._more.wait()
                continue
            await self._grant(waiting[0][1])

    def forget_the_gone(self) -> None:
        """Drop the wishes of visitors who left."""
        now = time.monotonic()
        for name, wish in list(self._wishes.items()):
            if now - wish.asked > GONE_AFTER:
                self.drop(name)

    async def _grant(self, wish: Wish) -> None:
        wish.started = time.monotonic()
        try:
            wish.result = await wish.work()
        except VisitorError as refused:
            wish.problem = str(refused)
            return
        except Exception:
            log.exception("a mistake of faststyle's: please report it")
            wish.problem = "Something went wrong here, and it was not your photo's fault."
            return
        taken = (time.monotonic() - wish.started) / wish.cost
        before = taken if self._seconds is None else self._seconds
        self._seconds = before + _LATEST * (taken - before)

    def _waiting(self) -> list[tuple[str, Wish]]:
        return [(name, wish) for name, wish in self._wishes.items() if wish.started is None]

    def _place(self, wish: Wish) -> Place:
        unfinished = [
            other
            for other in self._wishes.values()
            if other.result is None and other.problem is None
        ]
        before = unfinished[: unfinished.index(wish)]
        if self._seconds is None:
            return Place(len(before), None)
        seconds = sum(self._seconds * other.cost for other in (*before, wish))
        if (started := unfinished[0].started) is not None:
            seconds -= time.monotonic() - started
        return Place(len(before), max(seconds, 0.0))
