"""What values arguments and options may have, said beside the type: ``Annotated[int, InRange(1)]``.

A limit's ``problem`` says what is wrong with a value, beginning with it; empty if nothing is.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from inspect import BoundArguments
from typing import Any, NamedTuple, TypeVar

from faststyle.core.errors import UserError, nearest

Kind = TypeVar("Kind", bound="Options")


class Between(NamedTuple):
    """A whole number; ``high`` keeps a stranger's file from asking for endless memory."""

    low: int
    high: int

    def problem(self, value: object) -> str:
        """Of any other value."""
        if isinstance(value, int) and self.low <= value <= self.high:
            return ""
        return f"{value} must be a whole number from {self.low} to {self.high}"


class AtLeast(NamedTuple):
    """A number that is not too small."""

    low: int

    def check(self, setting: str, value: float) -> None:
        """Raise ``UserError``, which names ``setting``, for a smaller value."""
        if value < self.low:
            raise UserError(f"{setting} is {value}; it must be {self.low} or more")


class OneOf(NamedTuple):
    """One of several texts or numbers."""

    choices: tuple[object, ...]

    def problem(self, value: object) -> str:
        """Of any other value; it names the nearest text."""
        if value in self.choices:
            return ""
        *most, last = map(str, self.choices)
        if isinstance(self.choices[0], str):
            return f'"{value}": {nearest(str(value), [*most, last])}'
        return f"{value}; it must be {', '.join(most)} or {last}"

    def check(self, setting: str, value: object) -> None:
        """Raise ``UserError``, which names ``setting``, for any other value."""
        if problem := self.problem(value):
            raise UserError(f"{setting}={problem}")


class InRange(NamedTuple):
    """A finite number of a ``unit``, or one of the ``words``."""

    low: float
    high: float = math.inf
    unit: str = ""
    words: tuple[str, ...] = ()

    def problem(self, value: Any) -> str:
        """Of any other value."""
        is_number = not isinstance(value, str) and value < math.inf
        if value in self.words or (is_number and self.low <= value <= self.high):
            return ""
        unit = f" {self.unit}" if self.unit else ""
        if self.words:
            return f'"{value}"; it must be {", ".join(self.words)}, or {self.low}{unit} or more'
        if self.high < math.inf:
            return f"{value}; it must lie between {self.low} and {self.high:,}{unit}"
        return f"{value}; it must be {f'at least {self.low}' if self.low else '0 or more'}{unit}"


class MoreThan(NamedTuple):
    """A number of a ``unit`` above that of another field of the same options."""

    field: str
    unit: str


def find_problem(annotation: object, value: object) -> str:
    """What the limits in an annotation have against ``value``; empty if nothing.

    Annotations that are texts have none.
    """
    limits = getattr(annotation, "__metadata__", ())
    problems = (x.problem(value) for x in limits if isinstance(x, Between | OneOf | InRange))
    return next(filter(None, problems), "")


def check_arguments(kind: str, bound: BoundArguments) -> None:
    """Raise ``UserError`` for the first argument beyond the limits in its annotation.

    It is called ``kind.argument``.
    """
    for name, value in bound.arguments.items():
        if problem := find_problem(bound.signature.parameters[name].annotation, value):
            raise UserError(f"{kind}.{name}={problem}")


@dataclass(frozen=True)
class Options:
    """How one part of the work is done; ``faststyle.cli.arguments`` makes flags of it.

    A field is ``name: Annotated[type, "help", limit] = default``.

    Raises:
        UserError: a value beyond a limit of its field (:mod:`faststyle.core.limits`), by whose name
            the message begins. None passes where it is the default.
    """

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            is_left_out = value is None and each.default is None
            if not is_left_out and (problem := find_problem(each.type, value)):
                raise UserError(f"{each.name} is {problem}")
            for note in () if is_left_out else getattr(each.type, "__metadata__", ()):
                if isinstance(note, MoreThan) and not value > getattr(self, note.field):
                    least = f"more {note.unit} than the {note.field}"
                    raise UserError(f"{each.name} is {value}; it must be {least}")


def merged(*options: Options) -> dict[str, Any]:
    """All fields by their names, as a file of JSON holds them."""
    return {name: value for each in options for name, value in asdict(each).items()}


def split(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """Options of one kind from the values that are called like its fields; there may be others."""
    return kind(**{each.name: values[each.name] for each in fields(kind) if each.name in values})
