"""``styles=[starry_night,the_scream]`` on a command line, instead of a file in configs/styles."""

import re
from collections.abc import Sequence

from faststyle.core.errors import UserError


def expand_style_list(overrides: Sequence[str]) -> list[str]:
    """``overrides`` in words of Hydra's: a list of styles becomes one choice of a style for each.

    The result is then called ``styles``, unless the name is given too. Raises ``UserError`` if the
    list is empty or has a style twice, or if a single style is given beside it.
    """
    given = dict(text.partition("=")[::2] for text in overrides)
    if "styles" in given and "style" in given:
        raise UserError("style=... is one style and styles=... are several: pass one of them")
    expanded: list[str] = []
    for text in overrides:
        key, _, value = text.partition("=")
        if key == "styles" and value.startswith("["):
            name = [] if "name" in given else ["name=styles"]
            expanded += [*_choices(value), *name]
        else:
            expanded.append(text)
    return expanded


def _choices(value: str) -> list[str]:
    names = [name.strip(" '\"") for name in value[1:-1].split(",")]
    if not value.endswith("]") or re.search(r"[][]", value[1:-1]):
        raise UserError(f"styles={value} is not one list: styles=[starry_night,the_scream]")
    if not all(names):
        raise UserError(f"styles={value} has to name styles: styles=[starry_night,the_scream]")
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"styles={value} has {name} twice")
    return [f"+style@styles.{name}={name}" for name in names]
