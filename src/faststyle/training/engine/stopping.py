"""How a run ends: told to, after a whole step and saved; or by what broke, said in one line."""

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.plugins.io import TorchCheckpointIO

from faststyle.core.errors import UserError, causes, is_out_of_memory, name_file
from faststyle.core.interrupts import STOPPING, Interrupts, catch_interrupts
from faststyle.core.torch_files import write_torch

#: Steps in a row that the scaler of gradients may leave out: each halves its scale of 2**16.
_SKIPPED = 16
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


class StopOnNonFinite(Callback):
    """Stop with a clear error when the loss is no longer a finite number.

    The loss is looked at every ``every_n_steps`` only, since on an accelerator looking means
    waiting; but also before any checkpoint is written, so that the last one is always good.

    In float16 a few steps in a row may overflow: the scaler of gradients leaves them out, and tries
    a smaller scale.
    """

    def __init__(self, every_n_steps: int = 10) -> None:
        self.every_n_steps = every_n_steps
        # How many losses in a row were not finite: now, and at most.
        self._row = self._longest = torch.tensor(0)

    def on_train_batch_end(
        self, trainer: pl.Trainer, _module: pl.LightningModule, outputs: Any, *_: object
    ) -> None:
        """Remember, without waiting for the device, which losses were not finite."""
        bad = (~torch.isfinite(outputs["loss"].detach())).long()
        self._row = bad * (self._row.to(bad.device) + 1)
        self._longest = torch.maximum(self._longest.to(bad.device), self._row)
        if trainer.global_step % self.every_n_steps == 0:
            self._check(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, _module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Refuse to save weights that came of a loss, or have values, that are not finite."""
        self._check(trainer)
        for name, value in checkpoint["state_dict"].items():
            if not torch.isfinite(value).all():
                self._stop(trainer, f"weight {name}")

    def _check(self, trainer: pl.Trainer) -> None:
        has_scaler = getattr(trainer.precision_plugin, "scaler", None) is not None
        finite = int(self._longest) <= (_SKIPPED if has_scaler else 0)
        if trainer.world_size > 1:  # all processes stop together, or the others would wait forever
            finite = trainer.strategy.reduce_boolean_decision(finite)
        if not finite:
            self._stop(trainer, "the loss")

    @staticmethod
    def _stop(trainer: pl.Trainer, what: str) -> None:
        raise UserError(
            f"{what} is no longer finite at step {trainer.global_step}; the last checkpoint is"
            " still good. Lower model.learning_rate, or use trainer.precision=32-true or bf16-mixed"
        )


class StopAndSave(Callback):
    """Save the state to ``path`` after the last step, which a signal makes of the one it comes in.

    Ctrl-C, SIGTERM, SLURM's warning: Lightning's own handling interrupts in the middle of a step,
    where weights and optimizer may disagree; a run resumed from there would differ from an
    undisturbed one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.received: signal.Signals | None = None
        self._interrupts = Interrupts()
        self._catching = ExitStack()

    def on_train_start(self, *_: object) -> None:
        """Take over the signals, now that Lightning has installed its own handlers."""
        self._interrupts = self._catching.enter_context(catch_interrupts("step", STOPPING))

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Stop all processes after the same step, whichever was told; save if it was the last."""
        stop = self._interrupts.received is not None
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            self.received = self._interrupts.received or signal.SIGTERM
            trainer.should_stop = True
        if trainer.should_stop or trainer.global_step >= trainer.max_steps:
            trainer.save_checkpoint(self.path)

    def teardown(self, *_: object, **__: object) -> None:
        """Give the signals back."""
        self._catching.close()

    on_exception = teardown  # Lightning then calls no teardown


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write beside the final name, then rename.

    Lightning's own writes to the system's temporary folder and moves from there, which on another
    file system is a copy: a full disk leaves half a checkpoint in place of the last good one.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, *_: object, **__: object
    ) -> None:
        """Save ``checkpoint`` to ``path``; raises ``OSError`` if there is no room."""
        write_torch(checkpoint, Path(path))


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
                name_file(cause, cause.filename or out)
                raise cause from None
        raise
    except SystemExit as exit_:
        # Lightning exits with status 1 on a Ctrl-C before the first step.
        if isinstance(exit_.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        threading.excepthook = report
