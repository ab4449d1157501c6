"""What may break while a run is on its way, told as one line."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as pl

from faststyle.errors import UserError

#: What PyTorch and gloo say when a process is gone, in other words. NCCL says the same of a network
#: that is set up wrongly, so its errors keep all that they tell.
_LOST = {
    "DataLoader worker (pid": "a loader process was killed (too little memory for data.workers?)",
    "gloo/transport": "another process of this run ended, and may have said why,",
}


@contextmanager
def explained(trainer: pl.Trainer, out: Path) -> Iterator[None]:
    """Turn what other processes, their deaths and a full disk raise into errors for people.

    Raises ``UserError``; an ``OSError``, which names ``out`` if it named nothing;
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
        lost = next((who for sign, who in _LOST.items() if sign in _said(error)), None)
        if lost is not None:
            step = trainer.global_step
            raise UserError(f"{lost} at step {step}; go on with resume=last") from None
        if isinstance(error, UserError):
            raise UserError(_message(str(error))) from None
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(out)
        raise
    except SystemExit as exit_:
        # Lightning exits with status 1 on a Ctrl-C before the first step, or a second one.
        if isinstance(exit_.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        threading.excepthook = report


def _said(error: BaseException | None) -> str:
    """All messages of ``error`` and of what it was raised for.

    The death of a loader process interrupts the training anywhere, so also where a library makes
    whatever goes wrong an error of its own.
    """
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def _message(text: str) -> str:
    """The message alone; loader processes send it as the last line of a traceback."""
    if "in DataLoader worker process" not in text:
        return text
    return text.strip().splitlines()[-1].partition(": ")[2]
