"""The photo itself, as one of several styles that share a network."""

from dataclasses import dataclass

from torch import Tensor

from faststyle.core.errors import UserError


@dataclass(frozen=True)
class Identity:
    """A style without a painting: each photo is to keep its own statistics (Ghiasi et al., 2017).

    Between it and a painting's style a network makes the paint gradually thicker, for
    ``--strength``.

    Args:
        name: as in :data:`faststyle.styles.metadata.IDENTITY`.
        share: how many of the photos it gets, as :class:`faststyle.data.painting.Style` has it.

    Raises:
        UserError: a share that is not above 0.
    """

    name: str
    share: float = 1.0

    def __post_init__(self) -> None:
        """Raise ``UserError`` for a share that is none."""
        if not self.share > 0:
            raise UserError(f"style {self.name}: share is {self.share}; it must be above 0")

    def load(self) -> list[tuple[Tensor, float]]:
        """No painting."""
        return []
