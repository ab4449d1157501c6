"""Writing files so that a final name never holds half a file."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faststyle.core.errors import UserError, name_file

#: What a file is called before it has its name.
_NEW = "_"
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a name in a temporary folder beside ``path``, which it becomes if the block succeeds.

    If the block fails, what stood at ``path`` stays. Folders that are missing are made. What a
    symbolic link leads to is written, and the link stays. Files that differ by their suffix alone
    come to stand beside ``path``: it comes last, and an old one goes first, so that at no time does
    it stand beside what belongs to another. ``path`` may become a folder, where nothing is yet.

    Raises ``OSError`` when the folder cannot be made or written, and for a file that is read-only
    or a folder.
    """
    make_folder(path.parent)
    _check_replaceable(path)
    final = path.resolve() if path.is_symlink() else path
    with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=final.parent) as folder:
        temporary = Path(folder, f"{_NEW}{final.suffix}")
        try:
            yield temporary
            for written in Path(folder).rglob("*"):
                if written.is_file():
                    _flush(written)
            others = [written for written in Path(folder).iterdir() if written != temporary]
            if others:
                final.unlink(missing_ok=True)
            for written in [*others, temporary]:
                written.replace(final.with_name(written.name.replace(_NEW, final.stem, 1)))
        except OSError as error:
            # Writing fails without saying where; other errors than the system's say all they know.
            if error.errno is not None and str(error.filename or folder).startswith(folder):
                name_file(error, path)
            raise


def check_target(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Check before the work that ``path`` may be written; its folder is made if need be.

    Raises ``UserError`` if it is one of ``inputs``, which the command reads; ``OSError`` if no file
    can be written there, or a read-only one is, which is left alone.
    """
    if file_identity(path) in {file_identity(given) for given in inputs}:
        raise UserError(f"{path} is an input, and would be written over: name another output")
    check_writable(path.parent)
    _check_replaceable(path)


def _check_replaceable(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise PermissionError(errno.EACCES, "no file that could be replaced", str(path))
    if path.exists() and not (path.stat().st_mode & _WRITE and os.access(path, os.W_OK)):
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
        name_file(error, folder)  # and not a name that nobody gave
        raise
