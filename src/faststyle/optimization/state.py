"""What a run leaves on disk so that it can be resumed."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.core.torch_files import read_torch, write_torch


@dataclass
class State:
    """How far a run has come.

    ``level``: which of ``sizes`` it is at, after ``iteration`` iterations there, at ``pixels``
    (1, 3, H, W). ``best`` and ``best_loss``: of this level. ``optimizer``: its state dict.
    """

    sizes: list[tuple[int, int]]
    pixels: Tensor
    level: int = 0
    iteration: int = 0
    best: Tensor | None = None
    best_loss: float = float("inf")
    optimizer: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write atomically. Raises ``OSError`` if there is no room."""
        write_torch({_KEY: asdict(self)}, path)

    @classmethod
    def load(cls, path: Path, sizes: list[tuple[int, int]]) -> "State":
        """Read what :meth:`save` wrote for a picture of the same sizes. Raises ``UserError``."""
        found = read_torch(path).get(_KEY)
        if not isinstance(found, dict):
            raise UserError(f"{path} was not written by faststyle optimize and cannot be resumed")
        state = cls(**found)
        if state.sizes != sizes:
            raise UserError(
                f"{path} is of a picture of {_text(state.sizes[-1])}, and this run of one of"
                f" {_text(sizes[-1])} pixels, or coarse_to_fine differs; give the same settings"
            )
        return state


_KEY = "faststyle_optimization"


def _text(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]}"
