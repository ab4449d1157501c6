"""Sources of photos by the setting that chooses them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from faststyle.core.errors import UserError, nearest
from faststyle.data.coco import CocoSource
from faststyle.data.folder import FolderSource
from faststyle.data.shards import ShardSource, is_sharded
from faststyle.data.source import PhotoSource
from faststyle.data.synthetic import DeadLeavesSource


def _at_root(root: str) -> PhotoSource:
    if not root:  # it would be the working folder
        raise UserError("data.root is empty: pass data.root=/path/to/photos")
    return ShardSource(root) if is_sharded(root) else FolderSource(Path(root))


#: The setting, as in ``data.root=...`` -> what makes a source of its value. Where several are set,
#: the first one here counts. A new source is a file of its own and a line here.
SOURCES: dict[str, Callable[[Any], PhotoSource]] = {
    "synthetic": DeadLeavesSource,
    "root": _at_root,
    "download": CocoSource,
}


def choose_source(settings: Mapping[str, Any]) -> PhotoSource:
    """The source that ``settings`` choose; those that are none choose nothing.

    Raises ``UserError`` for a name that is not in :data:`SOURCES`, or if nothing is chosen.
    """
    for name in settings:
        if name not in SOURCES:
            raise UserError(f'no source of photos "{name}": {nearest(name, SOURCES)}')
    for name, make in SOURCES.items():
        if settings.get(name) is not None:
            return make(settings[name])
    raise UserError("no photos to train on: pass data.root=/path/to/photos")
