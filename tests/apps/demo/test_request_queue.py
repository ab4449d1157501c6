import asyncio
from collections.abc import Awaitable, Callable

import pytest

from faststyle.apps.demo import request_queue as module
from faststyle.apps.demo.request_queue import (
    MAX_EACH,
    MAX_REQUESTS,
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


def request(subject: str, cost: float = 1.0) -> StyleRequest:
    return StyleRequest(makes(subject.encode()), cost, (subject, "stylize"), visitor=subject)


def look(queue: RequestQueue, name: str) -> bytes | QueuePosition | VisitorError | None:
    found = queue.find(name)
    if found is None:
        return None
    return found.result or found.problem or queue.position(found)


async def served(queue: RequestQueue, rounds: int = 50) -> None:
    task = asyncio.create_task(queue.serve())
    for _ in range(rounds):
        await asyncio.sleep(0)
    task.cancel()


def test_requests_are_run_in_their_order() -> None:
    order: list[int] = []

    async def main() -> None:
        queue = RequestQueue()
        for number in range(5):

            async def work(number: int = number) -> bytes:
                order.append(number)
                return b""

            queue.add(StyleRequest(work, 1, subject=(str(number), "stylize")))
        await served(queue)

    run_async(main())
    assert order == [0, 1, 2, 3, 4]


def test_each_hears_how_many_are_ahead_and_gets_what_was_wished_for() -> None:
    async def main() -> None:
        queue = RequestQueue()
        names = [queue.add(request(f"of {number}")) for number in range(3)]
        assert [look(queue, name) for name in names] == [QueuePosition(i, None) for i in range(3)]
        await served(queue)
        for _ in range(2):  # it may have to be sent again
            assert [look(queue, name) for name in names] == [b"of 0", b"of 1", b"of 2"]
        queue.drop(names[0])
        assert look(queue, names[0]) is None

    run_async(main())


def test_the_time_that_is_left_follows_what_others_took(clock: Clock) -> None:
    async def main() -> None:
        queue = RequestQueue()

        async def slow() -> bytes:
            clock.now += 4
            return b""

        queue.add(StyleRequest(slow, 2, ("a", "stylize")))
        await served(queue)
        b, c = queue.add(request("b", cost=1)), queue.add(request("c", cost=3))
        assert look(queue, b) == QueuePosition(0, 2.0)
        assert look(queue, c) == QueuePosition(1, 8.0)

    run_async(main())


def test_a_new_wish_takes_the_place_of_one_of_the_same_that_waits() -> None:
    queue = RequestQueue()
    first, other, second = queue.add(request("a")), queue.add(request("b")), queue.add(request("a"))
    assert look(queue, first) is None
    assert [look(queue, name) for name in (second, other)] == [
        QueuePosition(0, None),
        QueuePosition(1, None),
    ]


def test_who_has_left_is_not_waited_for(clock: Clock) -> None:
    queue = RequestQueue()
    stays, leaves, gone = (queue.add(request(of)) for of in "abc")
    queue.drop(leaves)
    clock.now += module.GONE_AFTER
    look(queue, stays)
    clock.now += 1
    queue.evict_stale()
    assert [look(queue, name) for name in (stays, leaves, gone)] == [
        QueuePosition(0, None),
        None,
        None,
    ]


def test_no_more_than_so_many_wait() -> None:
    queue = RequestQueue()
    names = [queue.add(request(str(number))) for number in range(MAX_REQUESTS)]
    with pytest.raises(VisitorError, match="Too many"):
        queue.add(request("one more"))
    queue.drop(names[0])
    queue.add(request("one more"))


def test_one_visitor_does_not_take_all_places() -> None:
    queue = RequestQueue()
    for number in range(MAX_EACH):
        queue.add(StyleRequest(makes(b""), 1, (str(number), "stylize"), visitor="a"))
    with pytest.raises(VisitorError, match="Too many"):
        queue.add(StyleRequest(makes(b""), 1, ("more", "stylize"), visitor="a"))
    queue.add(StyleRequest(makes(b""), 1, ("other", "stylize"), visitor="b"))


def test_work_for_a_visitor_who_left_is_waited_for_and_counted(clock: Clock) -> None:
    async def main() -> None:
        queue, go_on = RequestQueue(), asyncio.Event()

        async def held() -> bytes:
            await go_on.wait()
            return b""

        queue.add(request("first"))
        await served(queue)
        queue._seconds = 5.0
        name = queue.add(StyleRequest(held, 1, ("a", "stylize")))
        task = asyncio.create_task(queue.serve())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        queue.drop(name)
        clock.now += 2
        assert look(queue, queue.add(request("b"))) == QueuePosition(1, 8.0)
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
        queue = RequestQueue()
        refused, failed = (
            queue.add(StyleRequest(refuse, 1, ("a", ""))),
            queue.add(StyleRequest(fail, 1, ("b", ""))),
        )
        good = queue.add(request("c"))
        await served(queue)
        assert str(look(queue, refused)) == "No photo."
        assert str(look(queue, failed)).startswith("Something went wrong here")
        assert look(queue, good) == b"c"

    run_async(main())
    assert "a bug" in caplog.text
    assert "No photo" not in caplog.text, "a visitor's mistake is not the server's"
