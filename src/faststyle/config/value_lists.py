"""``-m style.image=@paintings.txt``: the values of a sweep, one in each line of a file."""

from collections.abc import Sequence
from pathlib import Path

from faststyle.config.paths import as_path, exists, in_quotes, is_path, is_word
from faststyle.core.errors import UserError


def expand_value_lists(overrides: Sequence[str]) -> list[str]:
    """``overrides`` in words of Hydra's: of ``KEY=@FILE`` the lines of the file, as choices.

    Empty lines, and those that begin with ``#``, are none. A path that begins with ``@`` is no list
    if a file is called so, or if there is no such list and no sweep (``-m``).

    Raises ``UserError`` if there is no such file, nothing in it, or no sweep.
    """
    sweeps = any(text in ("-m", "--multirun") for text in overrides)
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
    return f"{key}={','.join(_choice(each, is_path(key)) for each in values)}"


def _choice(value: str, is_path: bool) -> str:
    if is_path:
        return as_path(value)
    return value if is_word(value) else in_quotes(value)
