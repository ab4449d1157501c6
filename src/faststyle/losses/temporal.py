"""What flickers: two views of one photo, a known motion apart, should be painted alike.

Ruder et al. (2016) and Huang et al. (2017) compare each frame of a clip with the one before, moved
along by the optical flow, and Gao et al. (2018, ReCoNet) do so for the brightness that is left when
that of the light has changed. Here the second view is made from the first, so that the motion is
known exactly, and neither clips nor a flow network are needed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.core.precision import widen

_LUMA = (0.2126, 0.7152, 0.0722)  # linear weights of BT.709, as in ReCoNet
#: Sides of the thing that moves in front, as parts of the picture's.
_SMALLEST, _LARGEST = 0.15, 0.4


class Views(NamedTuple):
    """Second views of photos.

    ``photos`` (N, 3, H, W); ``brighter``, by how much each pixel is brighter than it was,
    (N, 1, H, W); ``grid``, where in the first view each was, (N, H, W, 2), as
    ``torch.nn.functional.grid_sample`` takes it; ``seen``, 1 where both views show the same,
    else 0, (N, 1, H, W).
    """

    photos: Tensor
    brighter: Tensor
    grid: Tensor
    seen: Tensor


@dataclass(frozen=True)
class TemporalLoss:
    """Squared difference between what a network makes of a view and of one a motion later.

    L = weight * mean over what both views see of |N(v2) - W(N(v1)) - (Y(v2) - Y(W(v1)))|^2

    where N is the network, W moves along, and Y is the brightness of a view without its noise: the
    stylized view may follow its change (ReCoNet, equation 3). The mean is over pixels and colors
    in [0, 1]. :meth:`of_features` does the same before the picture is made.

    Args:
        weight: of the term.
        shift: by how much of the shorter side a view moves at most.
        zoom: by which factor it grows or shrinks at most, minus 1.
        turn: by how many degrees it turns at most.
        noise: standard deviation of the second view's noise at most, in gray levels of 255.
        light: by which factor its brightness changes at most, minus 1.
        feature_weight: of the term of features.

    Raises:
        UserError: a value below 0.
    """

    weight: float
    shift: float = 0.03
    zoom: float = 0.03
    turn: float = 2.0
    noise: float = 4.0
    light: float = 0.05
    feature_weight: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise UserError(f"temporal.{name} is {value}; it must be a number, 0 or more")
        if self.zoom >= 1 or self.light > 1:
            given = f"temporal.zoom is {self.zoom} and light {self.light}"
            raise UserError(f"{given}; they must be below 1")

    def views(self, photos: Tensor, seeds: Sequence[int]) -> Views:
        """Second views of photos (N, 3, H, W) in [0, 1], each by the seed of its own."""
        # In full precision: a place in bf16 is off by up to a pixel.
        with torch.autocast(photos.device.type, enabled=False):
            full = widen(photos)
            made = [self._view(photo, seed) for photo, seed in zip(full, seeds, strict=True)]
        return Views(*(torch.stack(parts) for parts in zip(*made, strict=True)))

    def __call__(self, first: Tensor, second: Tensor, views: Views) -> Tensor:
        """The term of each picture, (N,): of stylized photos (N, 3, H, W) and second views."""
        with torch.autocast(first.device.type, enabled=False):
            first, second = widen(first), widen(second)
            seen = views.seen.to(second)
            difference = second - _moved(first, views.grid) - views.brighter.to(second)
        return self.weight * _mean_square(difference, seen)

    def of_features(self, first: Tensor, second: Tensor, views: Views, stride: int) -> Tensor:
        """The term of each picture's features, (N,) (ReCoNet, equation 2).

        L = feature_weight * mean over what both views see of |F(v2) - W(F(v1))|^2 / mean of |F|^2

        The last mean is over all features of both views. So a weight means the same for every
        network, and a photo of one color, whose features can be 0, has a finite loss. ``first`` and
        ``second`` are F(v1) and F(v2), (N, C, H', W'), H' and W' being H and W over ``stride``,
        rounded up.
        """
        with torch.autocast(first.device.type, enabled=False):
            first, second = widen(first), widen(second)
            # A feature is seen where all of its pixels are.
            seen = -F.max_pool2d(-views.seen.to(second), stride)
            rows, columns = seen.shape[2:]
            moved = _moved(first, _of_features(views.grid, stride, first))
            difference = second[:, :, :rows, :columns] - moved
            energy = (first.square().mean((1, 2, 3)) + second.square().mean((1, 2, 3))) / 2
        squares = _mean_square(difference, seen)
        # With a gradient of what it is relative to, constants grow, which lower the loss and which
        # the next normalization takes away. Without one, features shrink, but that gains nothing.
        return self.feature_weight * squares / energy.detach().clamp(min=1e-12)

    def _view(self, photo: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        # On the CPU, so that it is the same on every device.
        generator = torch.Generator().manual_seed(seed)
        uniform = (2 * torch.rand(5, generator=generator) - 1).tolist()
        grid = self._grid(photo, uniform[:4])
        view = _moved(photo[None], grid[None])[0]
        inside = (grid.abs() <= 1).all(-1)[None]
        view, uncovered = _with_a_thing_in_front(view, photo, generator)
        weights = view.new_tensor(_LUMA).view(3, 1, 1)
        brighter = self.light * uniform[4] * (view * weights).sum(0, keepdim=True)
        view = view * (1 + self.light * uniform[4])
        deviation = self.noise / 255 * torch.rand((), generator=generator).item()
        noise = torch.randn(photo.shape, generator=generator) * deviation
        view = (view + noise.to(view)).clamp(0, 1)
        return view, brighter, grid, (inside & uncovered).to(photo)

    def _grid(self, photo: Tensor, uniform: list[float]) -> Tensor:
        """Where each pixel of the second view is in the first, (H, W, 2)."""
        height, width = photo.shape[1:]
        right, down, zoom, turn = uniform
        scale, angle = 1 / (1 + self.zoom * zoom), math.radians(self.turn) * turn
        cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
        side = min(height, width)
        # Coordinates run from -1 to 1 along both sides, which may differ in length.
        motion = torch.tensor(
            [
                [cosine, -sine * height / width, 2 * self.shift * right * side / width],
                [sine * width / height, cosine, 2 * self.shift * down * side / height],
            ]
        )
        size = [1, 1, height, width]
        return F.affine_grid(motion[None].to(photo), size, align_corners=False)[0]


def _of_features(grid: Tensor, stride: int, features: Tensor) -> Tensor:
    """A grid (N, H, W, 2) of pictures for features, of which those of padding are left out."""
    height, width = grid.shape[1:3]
    rows, columns = features.shape[2:]
    # An affine motion takes the middle of pixels to the middle of where it takes them.
    middles = F.avg_pool2d(grid.movedim(3, 1), stride).movedim(1, 3)
    # Coordinates run from -1 to 1 along the padded sides.
    parts = grid.new_tensor([width / (stride * columns), height / (stride * rows)])
    return (middles + 1) * parts - 1


def _mean_square(difference: Tensor, seen: Tensor) -> Tensor:
    """Of (N, C, H, W), where ``seen`` (N, 1, H, W) is 1; (N,)."""
    squares = (difference.square().mean(1, keepdim=True) * seen).sum((1, 2, 3))
    return squares / seen.sum((1, 2, 3)).clamp(min=1)


def _moved(pictures: Tensor, grid: Tensor) -> Tensor:
    """Pictures (N, C, H, W) at the places of a grid (N, H, W, 2)."""
    # Bicubic, since a blur that one view has and the other has not would count as flicker.
    return F.grid_sample(
        pictures, grid.to(pictures), "bicubic", padding_mode="reflection", align_corners=False
    )


def _with_a_thing_in_front(
    view: Tensor, photo: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The view behind a piece of the mirrored photo, and where it can be seen, (1, H, W)."""
    height, width = view.shape[1:]
    part, x, y = torch.rand(3, generator=generator).tolist()
    share = _SMALLEST + (_LARGEST - _SMALLEST) * part
    high, wide = round(height * share), round(width * share)
    top, left = round((height - high) * y), round((width - wide) * x)
    covered = torch.zeros(1, height, width, dtype=torch.bool, device=view.device)
    covered[:, top : top + high, left : left + wide] = True
    return torch.where(covered, photo.flip(2), view), ~covered
