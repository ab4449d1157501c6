"""What many files of styles say of themselves, kept in one: a thousand opens take their time."""

import contextlib
import json
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faststyle.core.atomic import atomic_write
from faststyle.core.storage import cache_folder
from faststyle.styles.metadata import StyleMetadata
from faststyle.styles.style_file import parse_metadata, read_metadata

#: Of fewer files nothing is kept.
WORTH_IT = 100
#: Some disks count time in steps of two seconds: a file as young as that may change unseen.
_YOUNG = 3.0


@contextmanager
def open_index(paths: Collection[Path]) -> Iterator[Callable[[Path], StyleMetadata]]:
    """What reads the metadata of each of many files, most of it from an index in the cache.

    The index knows what files said, by their paths, sizes and times. Processes that write it at
    once each write all of it; what the last one did not know is read from its file again. What is
    yielded raises as :func:`faststyle.styles.style_file.read_metadata`.
    """
    if len(paths) < WORTH_IT:
        yield read_metadata
        return
    folders = sorted({str(path.parent.absolute()) for path in paths})
    index = cache_folder() / f"styles_{zlib.crc32(json.dumps(folders).encode()):08x}.json"
    known, found = _load(index), dict[str, list[Any]]()

    def read(path: Path) -> StyleMetadata:
        key = str(path.absolute())
        state = _state(path)
        entry = known.get(key)
        if entry is None or entry[:2] != state:
            metadata = read_metadata(path)
            if state is None or time.time() - state[1] / 1e9 < _YOUNG:
                return metadata
            entry = [*state, metadata.write()]
        found[key] = entry
        return parse_metadata(entry[2], path)

    yield read
    if found != known:
        with contextlib.suppress(OSError), atomic_write(index) as temporary:
            temporary.write_text(json.dumps(found))


def _state(path: Path) -> list[int] | None:
    try:
        stat = path.stat()
    except OSError:  # said when it is read
        return None
    return [stat.st_size, stat.st_mtime_ns]


def _load(index: Path) -> dict[str, list[Any]]:
    try:
        content = json.loads(index.read_text())
        good = all(len(entry) == 3 and isinstance(entry[2], dict) for entry in content.values())
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
    return content if good else {}
