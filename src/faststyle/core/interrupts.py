"""The signals that end a run, as far as this system has them (Windows has no SIGUSR1)."""

import signal

#: What SLURM sends before a job's time is over.
OUT_OF_TIME: signal.Signals | None = getattr(signal, "SIGUSR1", None)
#: These finish the step and save: Ctrl-C, a scheduler's request, and the above.
STOPPING = (signal.SIGINT, signal.SIGTERM, *([OUT_OF_TIME] if OUT_OF_TIME else []))
