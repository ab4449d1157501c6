import importlib.util
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from faststyle.core import interrupts
from faststyle.core.interrupts import STOPPING, catch_interrupts


def test_systems_without_usr1_are_stopped_by_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGUSR1")
    spec = importlib.util.spec_from_file_location("signals_anew", interrupts.__file__)
    assert spec is not None
    assert spec.loader is not None
    anew = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(anew)
    assert anew.STOPPING == (signal.SIGINT, signal.SIGTERM)
    assert anew.OUT_OF_TIME is None


@pytest.mark.parametrize("number", STOPPING)
def test_the_first_signal_is_noted_and_told_and_the_handlers_come_back(
    number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    before = [signal.getsignal(n) for n in STOPPING]
    with catch_interrupts("step", STOPPING) as caught:
        caught.check()
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)  # at once: a launcher passes on the same
        assert caught.received == number
        with pytest.raises(KeyboardInterrupt):
            caught.check()
    assert [signal.getsignal(n) for n in STOPPING] == before
    said = f"{number.name}: stopping after this step; once more to leave at once"
    assert caplog.record_tuples == [("faststyle.core.interrupts", logging.WARNING, said)]


def test_other_threads_than_the_main_one_catch_nothing() -> None:
    found: list[object] = []

    def work() -> None:
        before = signal.getsignal(signal.SIGTERM)
        with catch_interrupts("step") as caught:
            found.extend([signal.getsignal(signal.SIGTERM) == before, caught.received])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True, None]


# Native code that no signal calls back: a lock taken twice.
STUCK = """
import ctypes
from faststyle.core.interrupts import catch_interrupts
with catch_interrupts("step"):
    print("stuck", flush=True)
    mutex = ctypes.create_string_buffer(64)
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(mutex)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the lock is Linux's")
@pytest.mark.parametrize(
    ("first", "second"),
    [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT)],
)
def test_a_second_signal_leaves_at_once_also_where_a_step_is_stuck(
    first: signal.Signals, second: signal.Signals
) -> None:
    command = [sys.executable, "-c", STUCK]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(first)
        assert "once more to leave at once" in process.stderr.readline()
        time.sleep(1.5)  # sooner it would be taken for the same
        assert process.poll() is None
        process.send_signal(second)
        assert process.stderr.read() == "leaving at once\n"
        assert process.wait(timeout=10) == 128 + second


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_that_leaves_signals_to_its_parent_tells_it_of_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with catch_interrupts("step") as caught:
        child = os.fork()
        if not child:
            interrupts.leave_signals_to_parent()
            for number in STOPPING:
                signal.raise_signal(number)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert caught.received is None
    assert not caplog.records
