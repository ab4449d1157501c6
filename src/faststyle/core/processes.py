"""Processes of this machine that have nothing of the one which starts them."""

import multiprocessing
import signal
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Any


def fresh_processes(*modules: str) -> ForkServerContext | SpawnContext:
    """How to start processes that need ``modules``, and neither threads nor memory of this one.

    A plain fork would have the memory without the threads, PyTorch's among them. On Linux each is
    a fork of a process that has imported ``modules`` and done nothing else: the seconds that
    importing takes pass once for all of them. Libraries of other systems do not survive a fork
    either, so that each process imports there.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*modules])
    return context


class ProcessDiedError(Exception):
    """A process has died: of which signal, or with which status."""


class PipeProcess:
    """A fresh process at the other end of a pipe, which breaks when it dies.

    ``target`` is called there with that end and ``arguments``. It ends when the pipe is closed.
    """

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        processes = fresh_processes(target.__module__)
        self.pipe, other = processes.Pipe()
        whole = (other, *arguments)
        self._process: BaseProcess = processes.Process(target=target, args=whole, daemon=True)
        self._process.start()
        other.close()

    def receive(self) -> Any:
        """The next answer. Raises one that is an exception, and ``ProcessDiedError``."""
        try:
            answer = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            raise ProcessDiedError(_describe_death(self._process)) from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def end(self, patience: float = 0.0) -> None:
        """Close the pipe, and end the process if it does not end by itself in so many seconds."""
        self.pipe.close()
        self._process.join(patience)
        self._process.kill()
        self._process.join()


def _describe_death(process: BaseProcess) -> str:
    status = process.exitcode or 0
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
