"""Errors meant for people: one line that says what was wrong and what to do."""

import atexit
import difflib
import errno
import gc
import os
import select
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

#: What shells say of a program that wrote to a pipe whose other end was closed.
_PIPE_STATUS = 141
#: How PyTorch says it on GPUs, Linux, Windows and MPS.
_NO_MEMORY = ("allocate memory", "not enough memory", "out of memory")
#: Errors of the system that are mistakes of ours; others are of files, disks and networks.
_MISTAKES = {errno.EBADF, errno.EFAULT, errno.ECHILD, errno.ESRCH, errno.EPIPE, errno.EAGAIN}
#: What comes with every installation: if it is missing, no extra brings it.
_ALWAYS = {"faststyle", "torch", "numpy", "PIL", "psutil", "safetensors", "tqdm"}


class UserError(Exception):
    """Something that the person at the keyboard can put right; its text is a single line."""


def nearest(name: str, options: Iterable[str]) -> str:
    """A sentence that names the option most like ``name``, or all of them if none is close."""
    known = sorted(set(options))
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else f"choose one of: {', '.join(known)}"


@contextmanager
def needs_extra(extra: str | None) -> Iterator[None]:
    """Say which of faststyle's extras, if any, brings what cannot be imported."""
    try:
        yield
    except ModuleNotFoundError as error:
        if not extra or (error.name or "").partition(".")[0] in _ALWAYS:
            raise
        raise UserError(f'{error}: pip install "faststyle[{extra}]"') from None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """``error``, then what it was raised for or while handling, and so on; each once."""
    seen: set[int] = set()
    # One that is raised again, as TensorBoard's writer does, can be the cause of its own cause.
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, or PyTorch on whatever device, found no memory."""
    if isinstance(error, RuntimeError):  # torch.OutOfMemoryError is one
        return any(words in str(error) for words in _NO_MEMORY)
    return isinstance(error, MemoryError)


def describe(error: Exception) -> str | None:
    """One line for what a user can put right; none for anything else, which is a bug."""
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in errno.errorcode.keys() - _MISTAKES:
        name: object = error.filename
        name = os.fsdecode(name) if isinstance(name, bytes) else name
        return f"{error.strerror}: {name}" if name else error.strerror
    if is_out_of_memory(error):
        return "too little memory: ask for fewer pixels, or fewer pictures at once"
    if isinstance(error, RuntimeError) and str(error).startswith("Could not determine home"):
        return "there is no home folder for ~: set HOME, or FASTSTYLE_CACHE and paths without ~"
    return None


def name_file(error: OSError, path: object) -> None:
    """Have an error of the system say where it was; those of libraries may not let themselves."""
    with suppress(AttributeError):
        error.filename = str(path)


def problem(error: Exception, source: object = "") -> str:
    """One line for whatever went wrong with one file of many, ``source``, which it names."""
    mistake = f"{type(error).__name__}: {error} (a mistake of faststyle's: please report it)"
    said = describe(error) or mistake
    return said if str(source) in said else f"{source}: {said}"


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn what a user can cause into one line on standard error and exit status 2.

    Anything else is a bug, and keeps its traceback. The command then leaves at once.
    """
    # Python looks for garbage before it exits: among all of torch's objects that takes 0.6 s.
    atexit.register(gc.freeze)
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        if not _nobody_listens():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_PIPE_STATUS)
    except (UserError, OSError, RuntimeError, MemoryError) as error:
        message = describe(error)
        if message is None:
            raise
        print(f"error: {message}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        sys.exit(130)


def _nobody_listens() -> bool:
    """Whether it is standard output that is broken, as of ``faststyle styles | head -1``."""
    if not hasattr(select, "poll"):  # Windows
        return True
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors are always told
    return any(event & select.POLLERR for _, event in poll.poll(0))
