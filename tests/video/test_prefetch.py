import threading
from collections.abc import Generator

import pytest

from faststyle.video.clips import prefetch


def test_items_come_in_order_from_another_thread() -> None:
    def items() -> Generator[tuple[int, int], None, None]:
        for number in range(20):
            yield number, threading.get_ident()

    results = list(prefetch(items()))
    assert [number for number, _ in results] == list(range(20))
    assert threading.get_ident() not in {thread for _, thread in results}


def test_it_stays_no_more_than_so_many_ahead() -> None:
    made: list[int] = []

    def items() -> Generator[int, None, None]:
        for number in range(20):
            made.append(number)
            yield number

    results = prefetch(items(), ahead=2)
    for number in results:
        assert len(made) <= number + 5  # two wait, one is being put, one made, one taken


def test_what_goes_wrong_there_is_raised_here() -> None:
    def items() -> Generator[int, None, None]:
        yield 1
        raise ValueError("no more")

    results = prefetch(items())
    assert next(results) == 1
    with pytest.raises(ValueError, match="no more"):
        next(results)


def test_closing_it_closes_what_it_iterates_over() -> None:
    closed, before = threading.Event(), set(threading.enumerate())

    def items() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    results = prefetch(prefetch(items()))
    next(results)
    results.close()
    assert closed.is_set()
    assert set(threading.enumerate()) <= before
