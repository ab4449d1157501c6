"""Options: frozen dataclasses, of which each field says its default, its range and its meaning.

They are checked here, and ``faststyle.cli.arguments`` makes the command line from them.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from faststyle.core.errors import UserError, nearest

Kind = TypeVar("Kind", bound="Options")


def option(default: Any, help: str, **limits: Any) -> Any:
    """A field of :class:`Options`.

    Args:
        default: its value if none is given.
        help: what the command line says of it.
        limits: ``choices``, all values; or ``low`` and ``high``, numbers, beside which there may be
            ``words``; or ``above``, the field that it must exceed. ``unit``: of numbers.
            ``parse``: what reads a value from the command line, in place of the field's type.
    """
    return field(default=default, metadata={"help": help, **limits})


@dataclass(frozen=True)
class Options:
    """How one part of the work is done.

    Raises:
        UserError: a value outside its range; the message begins with the field's name.
    """

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is None and each.default is None:
                continue
            if problem := self._problem(value, each.metadata):
                shown = f'"{value}"' if isinstance(each.default or value, str) else value
                raise UserError(f"{each.name} is {shown}{problem}")

    def _problem(self, value: Any, limits: Mapping[str, Any]) -> str:
        """What is wrong with a value; empty if nothing is."""
        if choices := limits.get("choices"):
            if value in choices:
                return ""
            if isinstance(value, str):
                return f": {nearest(value, choices)}"
            *most, last = map(str, choices)
            return f"; it must be {', '.join(most)} or {last}"
        if above := limits.get("above"):
            is_fine = value > getattr(self, above)
            return "" if is_fine else f"; it must be more {limits['unit']} than the {above}"
        low, high, words = limits.get("low"), limits.get("high", math.inf), limits.get("words", ())
        if low is None or value in words:
            return ""
        if not isinstance(value, str) and low <= value <= high and value < math.inf:
            return ""
        unit = f" {limits['unit']}" if "unit" in limits else ""
        if words:
            return f"; it must be {', '.join(words)}, or {low}{unit} or more"
        if high < math.inf:
            return f"; it must lie between {low} and {high:,}{unit}"
        return f"; it must be {f'at least {low}' if low else '0 or more'}{unit}"


def merged(*options: Options) -> dict[str, Any]:
    """All fields by their names, as a file of JSON holds them."""
    return {name: value for each in options for name, value in asdict(each).items()}


def split(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """Options of one kind from the values that are called like its fields; there may be others."""
    return kind(**{each.name: values[each.name] for each in fields(kind) if each.name in values})
