"""What commands of tests take for Python: the program again is a fork, as they are themselves.

So the ranks that Lightning and torchrun start, and submitit's jobs, import nothing anew (see
``tests/forker.py``). Anything else is given to Python.

Run as ``python tests/forked_python.py ADDRESS WORD...``, the address being the forker's.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

address, *given = sys.argv[1:]
words = given[given[:1] == ["-u"] :]  # torchrun's: forks are told of no flags
program = words[words[:1] == ["-m"] :][:1]  # a path, or a module
names = [Path(each).name for each in program]
if not names or not names[0].startswith(("faststyle", "submitit.core._submit")):
    os.execv(sys.executable, [sys.executable, *given])
connection = socket.socket(socket.AF_UNIX)
connection.connect(address)
wanted = {"words": words, "folder": str(Path.cwd()), "environment": dict(os.environ)}
socket.send_fds(connection, [json.dumps(wanted).encode()], [1, 2])
answers = connection.makefile()
process = int(answers.readline())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda number, _: os.kill(process, number))
status = int(answers.readline())
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
