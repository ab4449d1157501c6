"""Running a stage of work in a thread of its own, ahead of the one that takes its results."""

import queue
import threading
from collections.abc import Generator
from contextlib import closing
from typing import TypeVar

T = TypeVar("T")


def prefetch(items: Generator[T, None, None], ahead: int = 2) -> Generator[T, None, None]:
    """Iterate over ``items`` in another thread, which stays at most ``ahead`` of them in front.

    What that thread raises is raised here. ``items`` are closed when this iterator is.
    """
    results: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(ahead)
    closed = threading.Event()

    def put(item: T | None, error: BaseException | None = None) -> None:
        while not closed.is_set():
            try:
                results.put((item, error), timeout=0.1)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            with closing(items):
                for item in items:
                    put(item)
                    if closed.is_set():
                        return
            put(None, StopIteration())
        except BaseException as error:  # whatever it is, it belongs to who takes the results
            put(None, error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = results.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]  # none only beside an error
    finally:
        closed.set()
        thread.join()
