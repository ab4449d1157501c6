import asyncio
from collections.abc import Awaitable, Callable

import pytest

from faststyle.apps.demo import line as module
from faststyle.apps.demo.line import MAX_WAITING, Line, Place, Wish
from faststyle.apps.demo.work import VisitorError
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


def wish(of: str, cost: float = 1.0) -> Wish:
    return Wish(makes(of.encode()), cost, of)


async def served(line: Line, rounds: int = 50) -> None:
    task = asyncio.create_task(line.serve())
    for _ in range(rounds):
        await asyncio.sleep(0)
    task.cancel()


def test_wishes_are_granted_in_their_order() -> None:
    order: list[int] = []

    async def main() -> None:
        line = Line()
        for number in range(5):

            async def work(number: int = number) -> bytes:
                order.append(number)
                return b""

            line.add(Wish(work, 1, of=str(number)))
        await served(line)

    run_async(main())
    assert order == [0, 1, 2, 3, 4]


def test_each_hears_how_many_are_ahead_and_gets_what_was_wished_for_once() -> None:
    async def main() -> None:
        line = Line()
        names = [line.add(wish(f"of {number}")) for number in range(3)]
        assert [line.look(name) for name in names] == [Place(i, None) for i in range(3)]
        await served(line)
        assert [line.look(name) for name in names] == [b"of 0", b"of 1", b"of 2"]
        assert line.look(names[0]) is None

    run_async(main())


def test_the_time_that_is_left_follows_what_others_took(clock: Clock) -> None:
    async def main() -> None:
        line = Line()

        async def slow() -> bytes:
            clock.now += 4
            return b""

        line.add(Wish(slow, cost=2, of="a"))
        await served(line)
        b, c = line.add(wish("b", cost=1)), line.add(wish("c", cost=3))
        assert line.look(b) == Place(0, 2.0)
        assert line.look(c) == Place(1, 8.0)

    run_async(main())


def test_a_new_wish_takes_the_place_of_one_of_the_same_that_waits() -> None:
    line = Line()
    first, other, second = line.add(wish("a")), line.add(wish("b")), line.add(wish("a"))
    assert line.look(first) is None
    assert [line.look(name) for name in (other, second)] == [Place(0, None), Place(1, None)]


def test_who_has_left_is_not_waited_for(clock: Clock) -> None:
    line = Line()
    stays, leaves, gone = (line.add(wish(of)) for of in "abc")
    line.drop(leaves)
    clock.now += module.GONE_AFTER
    line.look(stays)
    clock.now += 1
    line.forget_the_gone()
    assert [line.look(name) for name in (stays, leaves, gone)] == [Place(0, None), None, None]


def test_no_more_than_so_many_wait() -> None:
    line = Line()
    names = [line.add(wish(str(number))) for number in range(MAX_WAITING)]
    with pytest.raises(VisitorError, match="Too many"):
        line.add(wish("one more"))
    line.drop(names[0])
    line.add(wish("one more"))


def test_a_wish_that_fails_is_answered_and_the_next_is_granted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse() -> bytes:
        raise VisitorError("No photo.")

    async def fail() -> bytes:
        raise ValueError("a bug")

    async def main() -> None:
        line = Line()
        refused, failed = line.add(Wish(refuse, 1, "a")), line.add(Wish(fail, 1, "b"))
        good = line.add(wish("c"))
        await served(line)
        with pytest.raises(VisitorError, match=r"^No photo\.$"):
            line.look(refused)
        with pytest.raises(VisitorError, match="Something went wrong here"):
            line.look(failed)
        assert line.look(good) == b"c"

    run_async(main())
    assert "a bug" in caplog.text
    assert "No photo" not in caplog.text, "a visitor's mistake is not the server's"
