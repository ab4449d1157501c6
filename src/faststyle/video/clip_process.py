"""A process that clips are done in: what ends it ends one clip, and not those that follow."""

import pickle
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from faststyle.core.devices import reuse_freed_memory
from faststyle.core.errors import UserError, problem
from faststyle.core.interrupts import Interrupts, leave_signals_to_parent
from faststyle.core.processes import PipeProcess, ProcessDiedError
from faststyle.files.jobs import Job
from faststyle.networks.kernels import choose_kernel, chosen_kernel
from faststyle.video.clips import ClipPipeline, stylize_clips

#: Seconds between two looks at whether the process is to stop.
_SECONDS = 0.2
#: Seconds that it has to end after its last clip.
_PATIENCE = 5.0


class ClipProcess:
    """A process with a pipeline of its own, begun with its first clip, and again after its death.

    The pipeline is sent to it as bytes, so that the two share no memory.
    """

    def __init__(self, pipeline: ClipPipeline) -> None:
        self._how = pickle.dumps(pipeline), chosen_kernel()
        self._process: PipeProcess | None = None

    def write(self, job: Job, temporary: Path, interrupts: Interrupts) -> str:
        """See :meth:`ClipPipeline.write_clip`. Raises ``UserError`` if the process dies of it."""
        try:
            self._process = self._process or PipeProcess(_serve, *self._how)
            return self._ask(self._process, (job, temporary), interrupts)
        except (EOFError, OSError, ProcessDiedError) as error:
            self.end()
            interrupts.check()  # a signal to all ends what has only begun to begin
            said = str(error) or "it did not begin"
            raise UserError(f"the process that did it has died: {said}") from None

    def _ask(self, process: PipeProcess, task: tuple[Job, Path], interrupts: Interrupts) -> str:
        is_told = False
        with suppress(OSError):  # it has died, as it is about to say
            process.pipe.send(task)
            while not process.pipe.poll(_SECONDS):
                if interrupts.received and not is_told:
                    is_told = True
                    process.pipe.send(None)
        answer: str = process.receive()
        return answer

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.end(_PATIENCE)
        self._process = None


def stylize_clips_apart(pipeline: ClipPipeline, jobs: Sequence[Job]) -> int:
    """As :func:`stylize_clips`; a clip that ends the process that it is done in is one that failed.

    The process takes seconds to begin, since it imports all that this one has (2.3 s, where a clip
    of two seconds takes 7.5 s in all), so that a single clip is done in this one.
    """
    if len(jobs) == 1:
        return stylize_clips(pipeline, jobs)
    process = ClipProcess(pipeline)
    try:
        return stylize_clips(pipeline, jobs, process.write)
    finally:
        process.end()


class _PipeInterrupts(Interrupts):
    """Whether the other end of a pipe has sent something, or is gone."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe = pipe

    @property
    def received(self) -> bool:  # type: ignore[override]
        return self._pipe.poll()


def _serve(pipe: "Connection[Any, Any]", pickled: bytes, kernel: str) -> None:
    """Do clips until the other end of the pipe is closed, be it by a death."""
    leave_signals_to_parent()
    reuse_freed_memory()
    choose_kernel(kernel)
    pipeline: ClipPipeline = pickle.loads(pickled)
    while True:
        try:
            asked = pipe.recv()
            if asked is not None:  # that came too late for the clip before
                job, temporary = asked
                pipe.send(_answer(pipeline, job, temporary, _PipeInterrupts(pipe)))
        except (EOFError, OSError):
            return


def _answer(
    pipeline: ClipPipeline, job: Job, temporary: Path, interrupts: Interrupts
) -> str | BaseException:
    try:
        return pipeline.write_clip(job, temporary, interrupts)
    except KeyboardInterrupt as error:
        return error
    except Exception as error:
        return UserError(problem(error))
