#!/usr/bin/env bash
# Expected: result.get(blocking=True, timeout=...) waits until the task has run, and gives what it
# returned, None included: the natural way to wait for a task that only writes a file.
#
# Instead: a None is not stored, so the wait lasts until the timeout and raises, although the task
# is done; without a timeout it lasts for ever. A result that is stored is given to one reader only:
# asked for by its id a second time, it is None. store_none=True and result(preserve=True) change
# this.
#
# Seen with: huey 3.5.4.
#
# Source: huey/api.py, _execute() (task_value is not None or self.store_none),
# Huey.__init__(store_none=False).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check huey==3.5.4
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import time
import huey
from huey import MemoryHuey

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("huey", huey.__version__)

def waited(**options):
    queue, ran = MemoryHuey(immediate=True, **options), []
    @queue.task()
    def stylize():
        ran.append(True)
    handle = stylize()
    check(ran == [True], "an immediate task no longer runs at once")
    start = time.monotonic()
    try:
        answer = repr(handle.get(blocking=True, timeout=2))
    except Exception as error:
        answer = type(error).__name__
    return answer, time.monotonic() - start

answer, seconds = waited()
print(f"default: the task has run, get() took {seconds:.1f} s and gave {answer}")
check(answer == "ResultTimeout" and seconds > 1, f"default: {answer}")
answer, seconds = waited(store_none=True)
print(f"store_none=True: get() took {seconds:.1f} s and gave {answer}")
check(answer == "None" and seconds < 1, f"store_none=True: {answer}")
queue = MemoryHuey(immediate=True)
@queue.task()
def measure():
    return 7
task = measure()
first, second = queue.result(task.id), queue.result(task.id)
print("a stored result, asked for twice by its id:", first, second)
check((first, second) == (7, None), f"{first}, {second}")
PY
