"""Styles as a page lists them: their names, artists, and what each makes of a landscape."""

from collections.abc import Collection, Sequence
from typing import Any

from faststyle.apps.sample import sample_address
from faststyle.stylize.stylizer import Stylizer

#: At the end of the name of a file's small network, which gives a first look.
_QUICK = "_small"


def describe(stylizer: Stylizer) -> dict[str, Any]:
    """What a style is, or all those of its file, for JSON.

    ``weights`` is how many numbers a mixture of them is, 0 of one style. ``styles`` has of each
    painting its ``name``, ``title``, ``artist`` and ``year`` (null if not known), its ``place`` in
    a mixture, and a ``sample``: an address that holds the picture. Of a painting at several sizes
    the usual one stands for all. A stylizer of several styles is left at the last of them.
    """
    metadata = stylizer.source_metadata
    if not metadata.styles:
        return {"weights": 0, "styles": [_entry(stylizer, 0)]}
    labels, shown = metadata.labels(), []
    for name in metadata.names():
        stylizer.mix({name: 1})
        shown.append(_entry(stylizer, labels.index(name)))
    return {"weights": len(labels), "styles": shown}


def arrange(programs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a page shows of all programs: each painting once, and files of one style first.

    In a file of several styles those that have files of their own have no ``sample``: they are
    there to be mixed. If these were all of the file's, none is without. A program that is called
    like another with ``_small`` at its end is that one's ``quick``, without ``styles``, if it takes
    the same mixture.

    Args:
        programs: what :func:`describe` gives for each file, and its ``name``.
    """
    shown = {each["name"]: dict(each) for each in programs}
    for each in programs:
        fine = shown.get(each["name"].removesuffix(_QUICK))
        if fine and fine["name"] != each["name"] and _mixture(fine) == _mixture(each):
            fine["quick"] = {key: value for key, value in each.items() if key != "styles"}
            del shown[each["name"]]
    single = {name: each for name, each in shown.items() if not each["weights"]}
    several = [_hide_samples(each, single.keys()) for each in shown.values() if each["weights"]]
    return [*single.values(), *several]


def _mixture(program: dict[str, Any]) -> list[tuple[str, int]]:
    """Which style each weight is for; of one style alone there is none."""
    return [(each["name"], each["place"]) for each in program["styles"] if program["weights"]]


def _hide_samples(program: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    styles = program["styles"]
    if all(style["name"] in names for style in styles):
        return program
    shown = [style | {"sample": None} if style["name"] in names else style for style in styles]
    return program | {"styles": shown}


def _entry(stylizer: Stylizer, place: int) -> dict[str, Any]:
    known = {key: getattr(stylizer.metadata, key) for key in ("title", "artist", "year")}
    return {"name": stylizer.name, **known, "place": place, "sample": sample_address(stylizer)}
