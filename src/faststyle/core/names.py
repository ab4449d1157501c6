"""Names of files that are not UTF-8, as old disks have them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def readable_name(path: Path) -> Iterator[Path]:
    """``path``, or a link to it for libraries of other languages, which want names to be UTF-8."""
    if _is_utf8(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="faststyle_") as folder:
        link = Path(folder, "link")
        link.symlink_to(path.absolute())
        yield link


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
