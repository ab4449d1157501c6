"""The source of photos that settings choose."""

from collections.abc import Mapping
from typing import Any

from faststyle.core.errors import UserError, nearest
from faststyle.data import coco, folder, synthetic  # noqa: F401 (each registers its source)
from faststyle.data.source import SOURCES, PhotoSource


def choose_source(settings: Mapping[str, Any]) -> PhotoSource:
    """The source that ``settings`` choose; those that are none choose nothing.

    Raises ``UserError`` for a name that is not in :data:`SOURCES`, or if nothing is chosen.
    """
    for name in settings:
        if name not in SOURCES:
            raise UserError(f'no source of photos "{name}": {nearest(name, SOURCES)}')
    given = [name for name in SOURCES if settings.get(name) is not None]
    if not given:
        raise UserError("no photos to train on: pass data.root=/path/to/photos")
    first = min(given, key=lambda name: SOURCES[name].rank)
    return SOURCES[first].from_setting(settings[first])
