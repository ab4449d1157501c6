"""Square crops of a set of photos, wherever these are kept."""

import logging
from abc import ABC, abstractmethod
from contextlib import suppress

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.core.errors import UserError

#: Training crops have at least this part of the photo's short side.
MIN_CROP_SCALE = 0.525
log = logging.getLogger(__name__)


class UnavailableError(UserError):
    """Photos that cannot be had now, but perhaps the next time: a reason to stop, not to skip."""


class PhotoSet(ABC):
    """Square crops of ``count`` photos, addressed by position.

    Photos that cannot be read are named once, marked for all worker processes, and replaced by
    others that can.
    """

    def __init__(self, count: int, size: int) -> None:
        self.size = size
        self.unreadable = torch.zeros(count, dtype=torch.bool)
        # Where there is no shared memory, there are no other processes either.
        with suppress(RuntimeError):
            self.unreadable.share_memory_()  # type: ignore[no-untyped-call]

    @abstractmethod
    def decode(self, position: int) -> Tensor:
        """One photo, uint8 (3, H, W), at no less than the size that crops need.

        Raises ``UserError`` if it cannot be read, after marking what else cannot be.
        """

    def __len__(self) -> int:
        return len(self.unreadable)

    def random_crop(self, index: int, generator: np.random.Generator) -> Tensor:
        """A random square, 52 to 100 % of the short side, scaled and perhaps mirrored.

        Returns uint8 (3, size, size). Raises ``UserError`` if no photo at all can be read.
        """
        scale, x, y = generator.uniform(MIN_CROP_SCALE, 1), generator.uniform(), generator.uniform()
        mirror = generator.uniform() < 0.5
        crop = _crop(self._read(index), self.size, scale, x, y)
        return crop.flip(2) if mirror else crop

    def center_crop(self, index: int) -> Tensor:
        """The largest centered square, scaled; uint8 (3, size, size)."""
        return _crop(self._read(index), self.size, 1, 0.5, 0.5)

    def _read(self, index: int) -> Tensor:
        if (photo := self._try(index)) is not None:
            return photo
        # Which photo takes its place must not depend on what this process has found unreadable
        # so far, or a resumed run would see others.
        for position in np.random.default_rng(index).permutation(len(self)):
            if (photo := self._try(int(position))) is not None:
                return photo
        raise UserError(f"none of the {len(self)} photos could be read")

    def _try(self, position: int) -> Tensor | None:
        if self.unreadable[position]:
            return None
        try:
            return self.decode(position)
        except UnavailableError:
            raise
        except UserError as error:
            self.unreadable[position] = True
            log.warning("skipped: %s", error)
            return None


def _crop(pixels: Tensor, size: int, scale: float, x: float, y: float) -> Tensor:
    """The square of ``scale`` times the short side, at fractions x, y of the room there is."""
    height, width = pixels.shape[1:]
    side = max(1, round(min(height, width) * scale))
    left, top = round((width - side) * x), round((height - side) * y)
    square = pixels[None, :, top : top + side, left : left + side]
    return F.interpolate(square, (size, size), mode="bilinear", antialias=True)[0]
