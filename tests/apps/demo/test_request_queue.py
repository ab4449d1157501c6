import asyncio
from collections.abc import Awaitable, Callable

import pytest

from faststyle.apps.demo import request_queue as module
from faststyle.apps.demo.request_queue import (
    MAX_EACH,
    MAX_WISHES,
    QueuePosition,
    RequestQueue,
    StyleRequest,
)
from faststyle.apps.demo.worker import VisitorError
from tests.apps.demo.conftest import Clock, run_async


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def makes(result: bytes) -> Callable[[], Awaitable[bytes]]:
    async def work() -> bytes:
        return result

    return work


def wish(of: str, cost: float = 1.0) -> StyleRequest:
    return StyleRequest(makes(of.encode()), cost, (of, "stylize"), visitor=of)


def look(line: RequestQueue, name: str) -> bytes | QueuePosition | VisitorError | None:
    found = line.find(name)
    if found is None:
        return None
    return found.result or found.problem or line.place(found)


async def served(line: RequestQueue, rounds: int = 50) -> None:
    task = asyncio.create_task(line.serve())
    for _ in range(rounds):
        await asyncio.sleep(0)
    task.cancel()


def test_wishes_are_granted_in_their_order() -> None:
    order: list[int] = []

    async def main() -> None:
        line = RequestQueue()
        for number in range(5):

            async def work(number: int = number) -> bytes:
                order.append(number)
                return b""

            line.add(StyleRequest(work, 1, of=(str(number), "stylize")))
        await served(line)

    run_async(main())
    assert order == [0, 1, 2, 3, 4]


def test_each_hears_how_many_are_ahead_and_gets_what_was_wished_for() -> None:
    async def main() -> None:
        line = RequestQueue()
        names = [line.add(wish(f"of {number}")) for number in range(3)]
        assert [look(line, name) for name in names] == [QueuePosition(i, None) for i in range(3)]
        await served(line)
        for _ in range(2):  # it may have to be sent again
            assert [look(line, name) for name in names] == [b"of 0", b"of 1", b"of 2"]
        line.drop(names[0])
        assert look(line, names[0]) is None

    run_async(main())


def test_the_time_that_is_left_follows_what_others_took(clock: Clock) -> None:
    async def main() -> None:
        line = RequestQueue()

        async def slow() -> bytes:
            clock.now += 4
            return b""

        line.add(StyleRequest(slow, 2, ("a", "stylize")))
        await served(line)
        b, c = line.add(wish("b", cost=1)), line.add(wish("c", cost=3))
        assert look(line, b) == QueuePosition(0, 2.0)
        assert look(line, c) == QueuePosition(1, 8.0)

    run_async(main())


def test_a_new_wish_takes_the_place_of_one_of_the_same_that_waits() -> None:
    line = RequestQueue()
    first, other, second = line.add(wish("a")), line.add(wish("b")), line.add(wish("a"))
    assert look(line, first) is None
    assert [look(line, name) for name in (second, other)] == [
        QueuePosition(0, None),
        QueuePosition(1, None),
    ]


def test_who_has_left_is_not_waited_for(clock: Clock) -> None:
    line = RequestQueue()
    stays, leaves, gone = (line.add(wish(of)) for of in "abc")
    line.drop(leaves)
    clock.now += module.GONE_AFTER
    look(line, stays)
    clock.now += 1
    line.evict_stale()
    assert [look(line, name) for name in (stays, leaves, gone)] == [
        QueuePosition(0, None),
        None,
        None,
    ]


def test_no_more_than_so_many_wait() -> None:
    line = RequestQueue()
    names = [line.add(wish(str(number))) for number in range(MAX_WISHES)]
    with pytest.raises(VisitorError, match="Too many"):
        line.add(wish("one more"))
    line.drop(names[0])
    line.add(wish("one more"))


def test_one_visitor_does_not_take_all_places() -> None:
    line = RequestQueue()
    for number in range(MAX_EACH):
        line.add(StyleRequest(makes(b""), 1, (str(number), "stylize"), visitor="a"))
    with pytest.raises(VisitorError, match="Too many"):
        line.add(StyleRequest(makes(b""), 1, ("more", "stylize"), visitor="a"))
    line.add(StyleRequest(makes(b""), 1, ("other", "stylize"), visitor="b"))


def test_work_for_a_visitor_who_left_is_waited_for_and_counted(clock: Clock) -> None:
    async def main() -> None:
        line, go_on = RequestQueue(), asyncio.Event()

        async def held() -> bytes:
            await go_on.wait()
            return b""

        line.add(wish("first"))
        await served(line)
        line._seconds = 5.0
        name = line.add(StyleRequest(held, 1, ("a", "stylize")))
        task = asyncio.create_task(line.serve())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        line.drop(name)
        clock.now += 2
        assert look(line, line.add(wish("b"))) == QueuePosition(1, 8.0)
        go_on.set()
        task.cancel()

    run_async(main())


def test_a_wish_that_fails_is_answered_and_the_next_is_granted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse() -> bytes:
        raise VisitorError("No photo.")

    async def fail() -> bytes:
        raise ValueError("a bug")

    async def main() -> None:
        line = RequestQueue()
        refused, failed = (
            line.add(StyleRequest(refuse, 1, ("a", ""))),
            line.add(StyleRequest(fail, 1, ("b", ""))),
        )
        good = line.add(wish("c"))
        await served(line)
        assert str(look(line, refused)) == "No photo."
        assert str(look(line, failed)).startswith("Something went wrong here")
        assert look(line, good) == b"c"

    run_async(main())
    assert "a bug" in caplog.text
    assert "No photo" not in caplog.text, "a visitor's mistake is not the server's"
