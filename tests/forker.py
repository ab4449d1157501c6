"""A process that has imported what the commands need, and forks itself for each of them.

Importing torch, Lightning and Hydra takes three to ten seconds on a small machine, and a command of
a test often less than one. A fork has them already; otherwise it is a process like any other, with
a working folder, an environment and outputs of its own.

Run as ``python tests/forker.py NUMBER``, the number of the file that :mod:`tests.commands` made to
listen. What commands take for Python is ``tests/forked_python.py``, so that the processes that they
start for themselves, DDP's, are such forks too.
"""

import atexit
import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
from dataclasses import dataclass

#: These import nearly all that commands do.
MODULES = (
    "faststyle.cli.stylize",
    "faststyle.config.command",
    "faststyle.evaluation.report",
    "faststyle.bulk.job",
    "faststyle.optimization.run",
    "faststyle.optimization.views",
    "faststyle.training.style.task",
    "faststyle.training.super_resolution",
)
#: Lightning imports these where they are installed.
OPTIONAL = ("s3fs",)


@dataclass(frozen=True)
class Wanted:
    """A command to become.

    Args:
        words: its command line, beginning with the program, or with ``-m`` and a module.
        folder: where it works.
        environment: its variables.
    """

    words: list[str]
    folder: str
    environment: dict[str, str]


def serve(number: int) -> None:
    """Answer requests until the tests end; returns only in the processes that become commands."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait for commands
    with socket.socket(fileno=number) as server:
        while True:
            ready, _, _ = select.select([server, sys.stdin], [], [])
            if sys.stdin in ready:  # closed
                sys.exit()
            connection, _ = server.accept()
            with connection:
                if os.fork() == 0:
                    server.close()
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    return answer(connection)


def answer(connection: socket.socket) -> None:
    """Become the command that is asked for, or else tell its number, and its exit status later.

    The command does not outlive who asked.
    """
    text, outputs, _, _ = socket.recv_fds(connection, 2**20, 2)
    process = os.fork()
    if process:
        connection.sendall(f"{process}\n".encode())
        threading.Thread(target=end_with, args=(connection, process), daemon=True).start()
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        with contextlib.suppress(OSError):
            connection.sendall(f"{status}\n".encode())
        os._exit(0)
    os.setsid()  # so that a test can stop it together with what it starts
    wanted = Wanted(**json.loads(text))
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
        os.close(output)
    # Those from before believe that they can be searched, which pipes cannot.
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
    sys.stderr.reconfigure(line_buffering=True)
    os.chdir(wanted.folder)
    os.environ.clear()
    os.environ.update(wanted.environment)
    # Python looks at it when it starts.
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[1:1] = [path for path in paths if path and path not in sys.path]
    # Lightning looked at the variables when it was imported.
    lightning = sys.modules["lightning_fabric.utilities.rank_zero"]
    lightning.rank_zero_only.rank = lightning._get_rank() or 0
    sys.executable = os.environ["PYTHON_EXEC"]
    sys.argv = wanted.words


def end_with(connection: socket.socket, process: int) -> None:
    """Kill the process when the other end of the connection is closed."""
    connection.recv(1)  # nobody says anything
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def run() -> int:
    """Run the command, and all that it left to do at its end; returns its exit status."""
    status = 0
    try:
        if sys.argv[0] == "-m":
            del sys.argv[0]
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            importlib.import_module("faststyle.cli.main").main()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        status = end.code
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status


if __name__ == "__main__":
    for name in MODULES:
        importlib.import_module(name)
    for name in OPTIONAL:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    serve(int(sys.argv[1]))
    # As forks of multiprocessing end: taking apart all that was imported takes half a second, and
    # copies it first. Any other exception ends the process as usual.
    os._exit(run())
