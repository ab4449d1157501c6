"""How work ends in order after Ctrl-C, SIGTERM, or SLURM's warning that a job's time is over.

The first signal is only noted: who works looks at it after each step (picture, frame), where
nothing is half done. A second one leaves at once, also where a step never comes to its end.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

log = logging.getLogger(__name__)

#: What people and schedulers send; the second of these leaves at once.
ENDING = (signal.SIGINT, signal.SIGTERM)
#: What SLURM sends before a job's time is over; Windows has no such signal.
OUT_OF_TIME: signal.Signals | None = getattr(signal, "SIGUSR1", None)
#: All that ends a training.
STOPPING = (*ENDING, *([OUT_OF_TIME] if OUT_OF_TIME else []))

#: A launcher passes on what a terminal or a scheduler has sent to its processes already. What
#: comes within so many seconds is the same wish.
_SAME_WISH = 1.0
_NO_SIGNAL = 0


class Interrupts:
    """What has been received: the first signal, or none so far."""

    received: signal.Signals | None = None

    def check(self) -> None:
        """Raise ``KeyboardInterrupt`` if a signal has been received."""
        if self.received:
            raise KeyboardInterrupt

    def _note(self, number: int, *_: object) -> None:
        self.received = self.received or signal.Signals(number)


@contextmanager
def catch_interrupts(unit: str, signals: Sequence[signal.Signals] = ENDING) -> Iterator[Interrupts]:
    """Note signals instead of letting them end the process, for as long as the context lasts.

    >>> with catch_interrupts("picture") as interrupts:
    ...     for picture in pictures:
    ...         stylize(picture)
    ...         interrupts.check()

    The second of :data:`ENDING` ends the process with 128 plus its number. Python hands signals to
    the main thread alone, so in any other thread nothing is ever received. ``unit`` is what is
    finished after the first signal, for the message.
    """
    interrupts = Interrupts()
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in signals:
                before = signal.signal(number, interrupts._note)
                stack.callback(signal.signal, number, before)
            stack.enter_context(_watcher(unit, signals))
        yield interrupts


def leave_signals_to_parent() -> None:
    """In a process that a training has started: outlive what ends the training, which is told."""
    signal.set_wakeup_fd(-1)  # a fork would tell its parent of signals of its own
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _watcher(unit: str, signals: Sequence[signal.Signals]) -> Iterator[None]:
    """Let a thread see signals as they come.

    Python's own handlers wait until the main thread is back from native code. What the thread
    needs is that this code gives up the interpreter's lock, as PyTorch's operations do.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    thread = threading.Thread(target=_watch, args=(reader, unit, signals), daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writer.send(bytes([_NO_SIGNAL]))  # not its end: forks have it too, and keep it open
        thread.join()
        reader.close()
        writer.close()


def _watch(reader: socket.socket, unit: str, signals: Sequence[signal.Signals]) -> None:
    first: float | None = None
    while (number := reader.recv(1)[0]) != _NO_SIGNAL:
        if number not in signals:
            continue  # of another part of the process
        if first is None:
            first = time.monotonic()
            name = signal.Signals(number).name
            log.warning("%s: stopping after this %s; once more to leave at once", name, unit)
        elif number in ENDING and time.monotonic() - first > _SAME_WISH:
            # Not by logging, whose lock a thread that is stuck may hold.
            os.write(2, b"leaving at once\n")
            os._exit(128 + number)
