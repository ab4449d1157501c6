import os
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from faststyle.core.processes import fresh_processes

_changed: list[str] = []


def _look() -> tuple[list[str], int, int]:
    return _changed, os.getpid(), os.getppid()


@pytest.mark.slow
def test_processes_have_nothing_of_the_one_that_starts_them() -> None:
    _changed.append("here")
    found = []
    for _ in range(2):
        with ProcessPoolExecutor(1, fresh_processes(__name__)) as pool:
            found.append(pool.submit(_look).result())
    states, processes, parents = zip(*found, strict=True)
    assert states == ([], [])
    assert len({*processes, os.getpid()}) == 3
    if sys.platform == "linux":
        assert len({*parents, os.getpid()}) == 2, "both are forks of one that is not this"
