"""Photos from which a program in 8 bits learns the range of each layer's values."""

import logging
from pathlib import Path

from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.data.synthetic import DeadLeaves
from faststyle.images.files import load_picture
from faststyle.images.folders import find_pictures
from faststyle.images.pixels import resample, to_unit

#: How many, and their sides in pixels.
COUNT, SIDE = 16, 256
log = logging.getLogger(__name__)


def calibration_photos(folder: Path | None = None) -> list[Tensor]:
    """Squares (1, 3, 256, 256) in [0, 1] of at most 16 photos, drawn if there is no folder.

    Raises ``UserError`` if there is no such folder, or if it holds no picture that can be read.
    """
    if folder is None:
        drawn = DeadLeaves(COUNT, SIDE)
        return [to_unit(drawn.center_crop(index))[None] for index in range(COUNT)]
    if not folder.is_dir():
        raise UserError(f"--photos {folder}: there is no such folder")
    paths = find_pictures(folder).pictures
    chosen = paths[:: max(1, len(paths) // COUNT)][:COUNT]
    photos = [photo for path in chosen if (photo := _middle(path)) is not None]
    if not photos:
        raise UserError(f"--photos {folder}: no picture in it could be read")
    return photos


def _middle(path: Path) -> Tensor | None:
    """The middle square of a photo; none, and a line that says why, if it cannot be read."""
    try:
        pixels = to_unit(load_picture(path).pixels)
    except UserError as error:
        log.warning("passed over: %s", error)
        return None
    side = min(pixels.shape[1:])
    top, left = ((length - side) // 2 for length in pixels.shape[1:])
    square = pixels[:, top : top + side, left : left + side]
    return resample(square, (SIDE, SIDE))[None]
