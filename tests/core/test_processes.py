import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from faststyle.core.processes import PipeProcess, ProcessDiedError, fresh_processes

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


def _answer(pipe: Any, word: str) -> None:
    """Repeat what is said; raise for 'raise', and end the process for 'die'."""
    while (said := pipe.recv()) != "die":
        pipe.send(ValueError("no") if said == "raise" else f"{word} {said}")
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_process_answers_raises_and_says_how_it_has_died() -> None:
    process = PipeProcess(_answer, "you said")
    process.pipe.send("hello")
    assert process.receive() == "you said hello"
    process.pipe.send("raise")
    with pytest.raises(ValueError, match="no"):
        process.receive()
    process.pipe.send("die")
    with pytest.raises(ProcessDiedError, match=r"^signal SIGKILL$"):
        process.receive()
    process.end()
    process.end()
