"""The commands as people start them: processes of their own."""

import atexit
import functools
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.places import ROOT

PROGRAM = Path(sys.executable).with_name("faststyle")


def command(name: str, *arguments: str | Path) -> list[str]:
    """The command line of ``faststyle NAME``, for tests that start it themselves."""
    return [sys.executable, str(PROGRAM), name, *map(str, arguments)]


class Started:
    """A command on its way, in a fork of a process that has imported torch (tests/forker.py).

    It leads a group of processes, as one that a terminal started.
    """

    def __init__(self, words: list[str], folder: Path) -> None:
        self.words = words
        # Closed by wait.
        self._outputs = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115
        forker = _forker()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(forker / "socket"))
        environment = {**os.environ, "PYTHON_EXEC": str(forker / "python")}  # torchrun's word
        wanted = {"words": words, "folder": str(folder), "environment": environment}
        files = [file.fileno() for file in self._outputs]
        socket.send_fds(connection, [json.dumps(wanted).encode()], files)
        self._answers = connection.makefile()
        self._connection = connection
        self.pid = int(self._answers.readline())

    def send_signal(self, number: signal.Signals, group: bool = False) -> None:
        """To the process, or to all of its group."""
        (os.killpg if group else os.kill)(self.pid, number)

    def wait(self, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """Wait for its end; raises ``TimeoutError`` after so many seconds."""
        self._connection.settimeout(timeout)
        status = int(self._answers.readline())
        self._answers.close()
        self._connection.close()
        texts = []
        for file in self._outputs:
            with file:
                file.seek(0)
                texts.append(file.read().decode().replace("\r\n", "\n"))
        return subprocess.CompletedProcess(self.words, status, *texts)


def start_command(name: str, *arguments: str | Path, cwd: Path | None = None) -> Started:
    """Start ``faststyle NAME`` in the folder ``cwd``."""
    return Started(command(name, *arguments)[1:], cwd or Path.cwd())


def run_command(
    name: str, *arguments: str | Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``faststyle NAME`` to its end, in the folder ``cwd``, and keep what it says."""
    return start_command(name, *arguments, cwd=cwd).wait()


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # and no fork of it
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _forker() -> Path:
    """Start the process that forks; it ends when these tests do.

    Returns a folder with its ``socket``, and a ``python`` that asks it.
    """
    folder = Path(tempfile.mkdtemp(prefix="faststyle_"))
    atexit.register(_remove, folder, os.getpid())
    address = str(folder / "socket")
    words = [sys.executable, "-IS", str(ROOT / "tests" / "forked_python.py"), address]
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    python.chmod(0o700)
    # Listening here, commands can be asked for before the other process has imported everything.
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "forker.py"), str(server.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[server.fileno()],
        )
    atexit.register(process.terminate)
    return folder
