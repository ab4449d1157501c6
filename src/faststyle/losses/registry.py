"""Parts of the loss under registered names, which are all that a file may say of them."""

from collections.abc import Mapping
from typing import TypeVar

from faststyle.core.errors import UserError, nearest

Part = TypeVar("Part")


def choose(
    given: str | Part, registry: Mapping[str, type[Part]], kind: type[object], setting: str
) -> Part:
    """What is registered as ``given``, or ``given`` itself if it is of that ``kind``.

    Raises ``UserError`` if it is neither; ``setting`` says where it was asked for.
    """
    if isinstance(given, str):
        if given not in registry:
            raise UserError(f'unknown {setting} "{given}": {nearest(given, registry)}')
        return registry[given]()
    if not isinstance(given, kind):
        raise UserError(f"{setting}={given} is neither a name nor a {kind.__name__}")
    return given


def name_of(part: Part, registry: Mapping[str, type[Part]], setting: str) -> str:
    """The name by which ``part`` is made anew.

    Raises ``UserError`` if it is registered under none, or has options of its own.
    """
    for name, known in registry.items():
        if type(part) is known and vars(part) == vars(known()):
            return name
    raise UserError(
        f"{setting}: {type(part).__name__} is not registered as it is here, so that no style file"
        f" could say what it was trained with; registered are {', '.join(sorted(registry))}"
    )
