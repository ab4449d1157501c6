"""Names of files that are not UTF-8, as old disks have them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faststyle.core.errors import UserError


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


def check_name(folder: Path) -> None:
    """Raise ``UserError`` if TensorBoard, which wants UTF-8, could not write into ``folder``."""
    if not _is_utf8(folder):
        raise UserError(
            f"{folder}: its name is not UTF-8, and TensorBoard's curves could not be"
            " written there: choose another"
        )


def shown(text: str) -> str:
    """``text`` with what is not UTF-8 in it escaped."""
    return text.encode(errors="backslashreplace").decode()


def _is_utf8(path: Path) -> bool:
    return shown(str(path)) == str(path)
