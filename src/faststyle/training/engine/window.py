"""The part of its crops that a loss sees, which moves from step to step."""

from types import EllipsisType

import numpy as np

#: The index of a part of pictures (..., H, W).
Window = tuple[EllipsisType, slice, slice]
WHOLE: Window = (..., slice(None), slice(None))


def moving_window(height: int, width: int, hidden: int, step: int) -> Window:
    """What is seen in one step of crops of that size: a function of ``step`` alone.

    A network can tell where its input ends. What it gains there, where every crop has a border, it
    paints along the border of every picture, such as a stripe of the sky's color at the top. Of a
    border that is only sometimes seen it gains nothing. Each is seen in a quarter of the steps.

    Args:
        height: of the crops.
        width: of the crops.
        hidden: how many pixels of each side are not seen; at most half of them.
        step: of the training.
    """
    generator = np.random.default_rng(step)
    down, right = (_part(side, hidden, generator.uniform(-0.5, 1.5)) for side in (height, width))
    return ..., down, right


def _part(side: int, hidden: int, place: float) -> slice:
    hidden = min(hidden, side // 2)
    first = round(hidden * min(max(place, 0.0), 1.0))
    return slice(first, first + side - hidden)
