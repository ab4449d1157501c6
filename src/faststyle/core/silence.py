"""Libraries that write to standard error what only their own developers understand."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STANDARD_ERROR = 2


@contextmanager
def suppress_output() -> Iterator[None]:
    """Drop what anything in this process writes to standard error, C++ libraries among it."""
    sys.stderr.flush()
    kept = os.dup(_STANDARD_ERROR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STANDARD_ERROR)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, _STANDARD_ERROR)
        os.close(kept)
        os.close(nowhere)
