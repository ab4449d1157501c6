"""What may break while a run is on its way, told as one line."""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as pl

from faststyle.core.errors import UserError, causes, is_out_of_memory

_TOO_SMALL = "/dev/shm is too small (docker's --shm-size, or data.workers=0), which was found"
#: What PyTorch and gloo say when a process is gone, in other words. NCCL says the same of a network
#: that is set up wrongly, so its errors keep all that they tell.
_LOST = {
    "signal: Bus error": _TOO_SMALL,
    "file </torch_": _TOO_SMALL,
    "open shared memory object": "/dev/shm cannot be written (data.workers=0 needs none), which was"
    " found",
    "DataLoader worker (pid": "a loader process was killed (too little memory for data.workers?)",
    "gloo/transport": "another process of this run ended, and may have said why,",
}

#: How systems say that a disk takes no more: it or the user's share of it is full, or it may no
#: longer be written to.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@contextmanager
def translate_failures(trainer: pl.Trainer, out: Path) -> Iterator[None]:
    """Turn what other processes, their deaths, a full disk and full memory raise into one line.

    Raises ``UserError``; the ``OSError`` of a full disk, which names ``out`` if it named nothing;
    ``KeyboardInterrupt``, which Lightning turns into an exit without a word.
    """
    report = threading.excepthook

    def report_unless_raised_again(failed: threading.ExceptHookArgs) -> None:
        # TensorBoard's writer raises the error of its thread again where the training calls it.
        if not isinstance(failed.exc_value, OSError):
            report(failed)

    threading.excepthook = report_unless_raised_again
    try:
        yield
    except Exception as error:
        # Loader processes and TensorBoard's thread fail while others work, who may make whatever
        # goes wrong an error of their own.
        chain, step = list(causes(error)), trainer.global_step
        said = "\n".join(map(str, chain))
        lost = next((who for sign, who in _LOST.items() if sign in said), None)
        if any(map(is_out_of_memory, chain)):
            raise UserError(
                f"memory ended at step {step}: lower data.batch_size or data.size, or take"
                " trainer.precision=bf16-mixed; resume=last goes on"
            ) from None
        if lost is not None:
            raise UserError(f"{lost} at step {step}; go on with resume=last") from None
        if isinstance(error, UserError) and "in DataLoader worker process" in str(error):
            # They send it as the last line of a traceback.
            last = str(error).strip().splitlines()[-1]
            raise UserError(last.partition(": ")[2]) from None
        for cause in chain:
            if isinstance(cause, OSError) and cause.errno in _FULL:
                cause.filename = cause.filename or str(out)
                raise cause from None
        raise
    except SystemExit as exit_:
        # Lightning exits with status 1 on a Ctrl-C before the first step.
        if isinstance(exit_.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        threading.excepthook = report
