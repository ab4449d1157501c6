"""Processes of this machine that have nothing of the one which starts them."""

import multiprocessing
import signal
import sys
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess


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


def describe_death(process: BaseProcess) -> str:
    """What a process that has ended has ended with: a signal, or its status."""
    status = process.exitcode or 0
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
