"""``styles=[starry_night,the_scream]`` on a command line, instead of a file in configs/styles."""

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
    value = given.get("styles", "")
    if not (value.startswith("[") and value.endswith("]")):
        return list(overrides)
    others = [text for text in overrides if not text.startswith("styles=")]
    name = [] if "name" in given else ["name=styles"]
    # First, so that what is said of a style of the list finds it there.
    return [*_choices(value), *name, *others]


def _choices(value: str) -> list[str]:
    names = [name.strip(" '\"") for name in value[1:-1].split(",")]
    if not all(names):
        raise UserError(f"styles={value} has to name styles: styles=[starry_night,the_scream]")
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"styles={value} has {name} twice")
    return [f"+style@styles.{name}={name}" for name in names]
