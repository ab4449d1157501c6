"""What a page is told of styles: their names, painters, and what each makes of a landscape."""

from typing import Any

from faststyle.apps.sample import sample_address
from faststyle.checkpoints import StyleMetadata
from faststyle.inference.stylizer import Stylizer


def describe(stylizer: Stylizer) -> dict[str, Any]:
    """What a style is, or all those of its file, for JSON.

    ``weights`` is how many numbers a mixture of them is, 0 of one style. ``styles`` has of each
    painting its ``name``, ``title``, ``artist`` and ``year`` (null if not known), its ``place`` in
    a mixture, and a ``sample``: an address that holds the picture. Of a painting at several sizes
    the usual one stands for all. A stylizer of several styles is left at the last of them.
    """
    held = stylizer.of_file
    if not held.styles:
        return {"weights": 0, "styles": [_shown(stylizer, stylizer.metadata, 0)]}
    labels, shown = held.labels(), []
    for name in held.names():
        stylizer.mix({name: 1})
        shown.append(_shown(stylizer, stylizer.metadata, labels.index(name)))
    return {"weights": len(labels), "styles": shown}


def _shown(stylizer: Stylizer, about: StyleMetadata, place: int) -> dict[str, Any]:
    return {
        "name": stylizer.name,
        "title": about.title,
        "artist": about.artist,
        "year": about.year,
        "place": place,
        "sample": sample_address(stylizer),
    }
