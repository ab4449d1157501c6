#!/usr/bin/env bash
# Expected: the executor "debug" of submitit, made to try jobs in the same process, runs a job at
# submit(), so that a script which submits, and then looks for the file that the job writes, can be
# tried with it before Slurm.
#
# Instead: submit() only notes the job. It runs, in the caller's thread, when somebody first calls
# result() or even done(); a job that nobody asks for never runs, and a pass over job.state answers
# QUEUED for ever.
#
# Seen with: submitit 1.5.4.
#
# Source: submitit/local/debug.py (DebugJob.done() and results() run the submission).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check submitit==1.5.4
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version
import pathlib, time
import submitit

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("submitit", version("submitit"))
style = pathlib.Path("style.txt").absolute()

def train():
    style.write_text("trained")

seen = {}
job = submitit.AutoExecutor(folder="logs", cluster="debug").submit(train)
time.sleep(1)
seen["a second after submit()"] = style.exists()
state = job.state
seen["after job.state"] = style.exists()
job.done()
seen["after job.done()"] = style.exists()
print("state:", state)
for when, there in seen.items():
    print(f"{when}: the job's file is there: {there}")
check(list(seen.values()) == [False, False, True], f"{seen}")
PY
