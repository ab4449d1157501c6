"""Running a stage of work in a thread of its own, ahead of the one that takes its results."""

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

T = TypeVar("T")


def prefetch(items: Generator[T, None, None], ahead: int = 2) -> Generator[T, None, None]:
    """Iterate over ``items`` in another thread, which stays at most ``ahead`` of them in front.

    What that thread raises is raised here. ``items`` are closed when this iterator is.
    """
    end: Any = object()
    with closing(items), ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(next, items, end) for _ in range(ahead))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, items, end))
                yield item
        finally:
            thread.shutdown(cancel_futures=True)
