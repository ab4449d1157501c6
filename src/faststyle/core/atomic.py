"""Writing files so that a final name never holds half a file."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; rename it to ``path`` if the block succeeds.

    If the block fails, the temporary file goes and what stood at ``path`` stays. Folders that are
    missing are made. Raises ``OSError`` when the folder cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays: some libraries choose the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("r+b") as written:  # Windows flushes only what it may write
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        # Writing fails without saying where; other errors than the system's say all they know.
        if error.errno is not None and error.filename in (None, str(temporary)):
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Make ``folder`` if need be and write into it for a moment. Raises ``OSError`` if it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
