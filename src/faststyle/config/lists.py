"""Lists on a command line: of styles to train together, and of the values of a sweep.

``styles=[starry_night,the_scream]`` instead of a file in configs/styles, and
``-m style.image=@paintings.txt``, with one value in each line of the file.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from faststyle.config.paths import as_path, exists, in_quotes, is_path, is_sweep, is_word
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
        if key == "styles.root":  # no style is called so: no config has it before it is given
            expanded.append(f"++{text}")
        elif key == "styles" and value.startswith("["):
            expanded += _style_choices(value) + ([] if "name" in given else ["name=styles"])
        else:
            expanded.append(text)
    return expanded


def _style_choices(value: str) -> list[str]:
    names = [name.strip(" '\"") for name in value[1:-1].split(",")]
    if not value.endswith("]") or re.search(r"[][]", value[1:-1]):
        raise UserError(f"styles={value} is not one list: styles=[starry_night,the_scream]")
    if not all(names):
        raise UserError(f"styles={value} has to name styles: styles=[starry_night,the_scream]")
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"styles={value} has {name} twice")
    return [f"+style@styles.{name}={name}" for name in names]


def expand_value_lists(overrides: Sequence[str]) -> list[str]:
    """``overrides`` in words of Hydra's: of ``KEY=@FILE`` the lines of the file, as choices.

    Empty lines, and those that begin with ``#``, are none. A path that begins with ``@`` is no list
    if a file is called so, or if there is no such list and no sweep (``-m``).

    Raises ``UserError`` if there is no such file, nothing in it, or no sweep.
    """
    sweeps = is_sweep(overrides)
    return [_expanded(text, sweeps) for text in overrides]


def _expanded(text: str, sweeps: bool) -> str:
    key, separator, value = text.partition("=")
    if not separator or not value.startswith("@"):
        return text
    path = Path(value[1:]).expanduser()
    if is_path(key) and (exists(value) or not (sweeps or exists(value[1:]))):
        return text
    if not path.is_file():
        raise UserError(f"{text}: there is no file {path}")
    if not sweeps:
        raise UserError(f"{text} is a run for each line of {path}: add -m")
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    values = [line for line in lines if line and not line.startswith("#")]
    if not values:
        raise UserError(f"{text}: there is nothing in {path}")
    if is_path(key):
        return f"{key}={','.join(map(as_path, values))}"
    return f"{key}={','.join(each if is_word(each) else in_quotes(each) for each in values)}"
