"""Options: frozen dataclasses, of which each field says its default, its range and its meaning.

A field is ``name: Annotated[type, "help", limit] = default``. ``faststyle.cli.arguments`` makes the
command line from it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from faststyle.core.errors import UserError
from faststyle.core.limits import MoreThan, find_problem

Kind = TypeVar("Kind", bound="Options")


@dataclass(frozen=True)
class Options:
    """How one part of the work is done.

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
