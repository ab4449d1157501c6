"""What is measured on: photos that training has held out; and means over them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean

from torch import Tensor

from faststyle.data.folder import PhotoFolder, find_photos, split
from faststyle.images.pixels import to_unit


def held_out_photos(root: Path, count: int) -> list[Path]:
    """Those ``count`` photos below ``root`` that training on it would have held out."""
    return split(find_photos(root), root, count)[1]


def squares(paths: Sequence[Path], size: int) -> Iterator[Tensor]:
    """The middle of each photo, (1, 3, size, size) in [0, 1]."""
    folder = PhotoFolder(paths, size)
    return (to_unit(folder.center_crop(index))[None] for index in range(len(paths)))


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each value over those rows that have it."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: mean(row[name] for row in rows if name in row) for name in names}
