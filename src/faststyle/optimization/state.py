"""How far a descent has come: from which picture, at which sizes, and what it leaves on disk."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.core.torch_files import read_torch, write_torch
from faststyle.images.files import load_picture
from faststyle.images.pixels import resample

_KEY = "faststyle_optimization"
#: Larger pictures are optimized from coarse to fine, where nothing else is asked for.
COARSE_SIDE = 512


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

    def refine(self) -> None:
        """Carry the best picture of this size to the next."""
        assert self.best is not None
        self.level += 1
        self.pixels = resample(self.best[0], self.sizes[self.level])[None]
        self.iteration, self.optimizer = 0, {}
        self.best, self.best_loss = None, float("inf")

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
            (height, width), (rows, columns) = state.sizes[-1], sizes[-1]
            raise UserError(
                f"{path} is of a picture of {width} x {height}, and this run of one of {columns} x"
                f" {rows} pixels, or coarse_to_fine differs; give the same settings"
            )
        return state


def starting_picture(
    start: str, noise: float, photo: Tensor | None, size: tuple[int, int], seed: int
) -> Tensor:
    """The picture to start from, (3, height, width) in [0, 1].

    Args:
        start: ``content``, ``noise``, or the path of a picture, which is scaled to ``size``.
        noise: the share of uniform noise that is mixed in, from 0 to 1.
        photo: the content (3, H, W), if there is one.
        size: height and width of the result.
        seed: of the noise.

    Raises:
        UserError: a share outside 0..1, no content to start from, a picture that cannot be read.
    """
    if not isinstance(noise, int | float) or not 0 <= noise <= 1:
        raise UserError(f"noise={noise} must be a number from 0 to 1")
    uniform = torch.rand((3, *size), generator=torch.Generator().manual_seed(seed))
    if start == "noise":
        return uniform
    if start != "content":
        picture = resample(load_picture(Path(start).expanduser()).pixels, size)
    elif photo is None:
        raise UserError("there is no content to start from: pass content=photo.jpg or start=noise")
    else:
        picture = resample(photo, size)
    return torch.lerp(picture, uniform, float(noise))


def sizes(size: tuple[int, int], coarse_to_fine: bool | str) -> list[tuple[int, int]]:
    """Heights and widths to optimize at, one after another; the last is ``size``.

    Each is half of the next, down to a longer side of :data:`COARSE_SIDE` at most (Gatys et al.,
    2017, section 6): strokes are laid out where the encoder's receptive field sees them whole.
    ``coarse_to_fine`` is false, ``auto``, or true, which gives a small picture a coarse size too.
    """
    if coarse_to_fine not in (True, False, "auto"):
        raise UserError(f"coarse_to_fine={coarse_to_fine}: choose true, false or auto")
    found = [size]
    while coarse_to_fine and (
        max(found[0]) > COARSE_SIDE or (coarse_to_fine is True and len(found) == 1)
    ):
        height, width = found[0]
        found.insert(0, (max(1, round(height / 2)), max(1, round(width / 2))))
    return found
