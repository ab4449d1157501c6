"""The commands as people start them: processes of their own."""

import atexit
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.places import ROOT

PROGRAM = Path(sys.executable).with_name("faststyle")


def command(name: str, *arguments: str | Path) -> list[str]:
    """The command line of ``faststyle NAME``, for tests that start it themselves."""
    return [sys.executable, str(PROGRAM), name, *map(str, arguments)]


def run_command(
    name: str, *arguments: str | Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, in the folder ``cwd``, and keep what it says.

    The process is a fork of one that has imported torch already (:mod:`tests.forker`).
    """
    words = command(name, *arguments)[1:]
    wanted = {"words": words, "folder": str(cwd or Path.cwd()), "environment": dict(os.environ)}
    with (
        socket.socket(socket.AF_UNIX) as connection,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        connection.connect(_forker())
        outputs = [stdout.fileno(), stderr.fileno()]
        socket.send_fds(connection, [json.dumps(wanted).encode()], outputs)
        status = int(connection.recv(16))
        texts = []
        for output in (stdout, stderr):
            output.seek(0)
            texts.append(output.read().decode().replace("\r\n", "\n"))
    return subprocess.CompletedProcess(words, status, *texts)


@functools.cache
def _forker() -> str:
    """Start it; it ends when these tests do. Returns the address."""
    folder = Path(tempfile.mkdtemp(prefix="faststyle_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address = str(folder / "socket")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "forker.py"), address],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    atexit.register(process.terminate)
    while not Path(address).exists():
        if process.poll() is not None:
            raise RuntimeError(f"tests/forker.py ended with status {process.returncode}")
        time.sleep(0.05)
    return address
