"""Many pictures as one: rows and columns on white, for galleries and comparisons."""

from collections.abc import Sequence

import torch
from torch import Tensor

from faststyle import images


def contact_sheet(rows: Sequence[Sequence[Tensor]], height: int, gap: int = 8) -> Tensor:
    """Lay out pictures (3, H, W) in [0, 1], each scaled to ``height``.

    Every column is as wide as the widest picture in it; pictures stand in the middle, ``gap``
    pixels apart. Returns (3, height of all, width of all). Raises ``ValueError`` if there is none.
    """
    if not any(rows):
        raise ValueError("there are no pictures to lay out")
    scaled = [[_to_height(picture, height) for picture in row] for row in rows]
    columns = max(len(row) for row in scaled)
    widths = [max(row[c].shape[2] for row in scaled if c < len(row)) for c in range(columns)]
    size = len(rows) * (height + gap) - gap, sum(widths) + gap * (columns - 1)
    sheet = torch.ones(3, *size)
    for r, row in enumerate(scaled):
        top, left = r * (height + gap), 0
        for picture, width in zip(row, widths, strict=False):
            start = left + (width - picture.shape[2]) // 2
            sheet[:, top : top + height, start : start + picture.shape[2]] = picture
            left += width + gap
    return sheet


def _to_height(picture: Tensor, height: int) -> Tensor:
    width = max(1, round(picture.shape[2] * height / picture.shape[1]))
    return images.resample(picture, (height, width)).clamp(0, 1)
