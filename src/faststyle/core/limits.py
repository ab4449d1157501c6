"""What values an argument may have, said beside its type: ``Annotated[int, Between(1, 64)]``."""

from inspect import BoundArguments
from typing import NamedTuple

from faststyle.core.errors import UserError, nearest


class Between(NamedTuple):
    """A whole number; ``high`` keeps a stranger's file from asking for endless memory."""

    low: int
    high: int

    def check(self, setting: str, value: object) -> None:
        """Raise ``UserError``, which names ``setting``, for any other value."""
        if not isinstance(value, int) or not self.low <= value <= self.high:
            raise UserError(
                f"{setting}={value} must be a whole number from {self.low} to {self.high}"
            )


class AtLeast(NamedTuple):
    """A number that is not too small."""

    low: int

    def check(self, setting: str, value: float) -> None:
        """Raise ``UserError``, which names ``setting``, for a smaller value."""
        if value < self.low:
            raise UserError(f"{setting} is {value}; it must be {self.low} or more")


class OneOf(NamedTuple):
    """One of several texts."""

    choices: tuple[str, ...]

    def check(self, setting: str, value: object) -> None:
        """Raise ``UserError``, which names ``setting``, for any other value."""
        if value not in self.choices:
            raise UserError(f'{setting}="{value}": {nearest(str(value), self.choices)}')


def check_arguments(kind: str, bound: BoundArguments) -> None:
    """Raise ``UserError`` for the first argument beyond the limits in its annotation.

    It is called ``kind.argument``. Annotations that are texts are passed over.
    """
    for name, value in bound.arguments.items():
        for limit in getattr(bound.signature.parameters[name].annotation, "__metadata__", ()):
            if isinstance(limit, Between | OneOf):
                limit.check(f"{kind}.{name}", value)
