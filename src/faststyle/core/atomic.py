"""Writing files so that a final name never holds half a file."""

import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faststyle.core.errors import UserError

_LONG_SUFFIX = 16  # characters
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; rename it to ``path`` if the block succeeds.

    If the block fails, the temporary file goes and what stood at ``path`` stays. Folders that are
    missing are made. What a symbolic link leads to is written, and the link stays.

    Raises ``OSError`` when the folder cannot be made or written, and for a file that is read-only
    or a folder.
    """
    make_folder(path.parent)
    _check_replaceable(path)
    final = path.resolve() if path.is_symlink() else path
    # Short, since the name itself may be as long as names can be. The suffix stays: some libraries
    # choose the format by it.
    suffix = final.suffix if len(final.suffix) < _LONG_SUFFIX else ""
    temporary = final.with_name(f".{secrets.token_hex(4)}.tmp{suffix}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(final)
    except OSError as error:
        # Writing fails without saying where; other errors than the system's say all they know.
        if error.errno is not None and error.filename in (None, str(temporary)):
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_files(path: Path) -> Iterator[Path]:
    """Write several files atomically: ``path``, and others with other suffixes.

    It yields ``path`` in a temporary folder beside it. If the block succeeds, all that it wrote
    there comes to stand beside ``path``. Of several files ``path`` comes last, and an old one goes
    first, so that at no time does it stand beside what belongs to another. ``path`` may become a
    folder, where nothing stands yet.

    Raises ``OSError`` as :func:`atomic_write`.
    """
    make_folder(path.parent)
    _check_replaceable(path)
    final = path.resolve() if path.is_symlink() else path
    with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=final.parent) as folder:
        temporary = Path(folder, final.name)
        try:
            yield temporary
            for written in Path(folder).rglob("*"):
                if written.is_file():
                    _flush(written)
            others = [written for written in Path(folder).iterdir() if written != temporary]
            if others:
                final.unlink(missing_ok=True)
            for written in [*others, temporary]:
                written.replace(final.with_name(written.name))
        except OSError as error:
            if error.errno is not None:
                error.filename = str(path)
            raise


def check_target(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Whether ``path`` may be written, before the work: for every command the same.

    Its folder is made if need be. A read-only file is left alone, though the folder would let it be
    replaced.

    Args:
        path: of the file to be written.
        inputs: what the command reads, none of which may be written over.

    Raises:
        UserError: it is one of the inputs.
        OSError: no file can be written there.
    """
    if file_identity(path) in {file_identity(given) for given in inputs}:
        raise UserError(f"{path} is an input, and would be written over: name another output")
    check_writable(path.parent)
    _check_replaceable(path)


def _check_replaceable(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.exists():
        return
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise PermissionError(errno.EACCES, "no file that could be replaced", str(path))
    if not mode & _WRITE or not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "read-only", str(path))


def file_identity(path: Path) -> object:
    """Equal for paths that lead to one file, by links too."""
    try:
        found = path.stat()
    except OSError:  # none there
        return path.absolute()
    return found.st_dev, found.st_ino


def _flush(path: Path) -> None:
    with path.open("r+b") as written:  # Windows flushes only what it may write
        try:
            os.fsync(written.fileno())
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # network disks know no such thing
                raise


def make_folder(folder: Path) -> None:
    """Make ``folder``, and those that it is in, if need be. Raises ``OSError`` if it is none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None


def check_writable(folder: Path) -> None:
    """Make ``folder`` if need be and write into it for a moment. Raises ``OSError`` if it fails."""
    make_folder(folder)
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        error.filename = str(folder)  # and not a name that nobody gave
        raise
