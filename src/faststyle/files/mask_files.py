"""Which file is the mask of which photo, and masks read from files."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.files.clip_formats import is_clip
from faststyle.images.arrays import everywhere, mask_of
from faststyle.images.files import load_picture
from faststyle.images.formats import find_format
from faststyle.images.pixels import resample
from faststyle.images.probe import open_image

#: By which part the aspect ratio of a mask may differ from its photo's, before it is taken for that
#: of another one, or for one that lies on its side.
_OTHER_SHAPE = 0.02


class MaskFiles:
    """Masks as a command line names them.

    Args:
        given: a picture or clip, which is for all photos; a folder that has one called as each
            photo is, whatever its ending; or none for everywhere where no other style goes.

    Raises:
        UserError: there is none, or it is neither a file nor a folder.
    """

    def __init__(self, given: str | None) -> None:
        self._path = None if given is None else Path(given).expanduser()
        self._by_name: dict[Path, Path] | None = None
        if self._path is None:
            return
        if not given or not self._path.exists():
            raise UserError(f"no such mask: {given or 'its name is empty'}")
        if self._path.is_dir():
            self._by_name = _by_name(self._path)
        elif not self._path.is_file():
            raise UserError(f"the mask {self._path} is no file, but a pipe or a device")

    def holds(self, photo: Path, is_named: bool) -> bool:
        """Whether a photo is one of these masks.

        One that was found in a folder of photos is, and ``is_named`` otherwise; a picture that is
        named as a photo may be its own mask.
        """
        if self._path is None:
            return False
        if self._by_name is None:
            return not is_named and photo.resolve() == self._path.resolve()
        return self._path.resolve() in photo.resolve().parents

    def of(self, photo: Path) -> Path | None:
        """The mask of a photo, by its path in the folder of photos; none is everywhere.

        If it is missing, this is where it should be.
        """
        if self._by_name is None or self._path is None:
            return self._path
        missing = self._path / photo.with_suffix(".png")
        # By its whole name first: a.jpg and a.png may have masks of their own.
        return self._by_name.get(photo) or self._by_name.get(photo.with_suffix(""), missing)


def _by_name(folder: Path) -> dict[Path, Path]:
    """The files in a folder, by their names with ending and without."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    # What is no picture, as notes of the program that made the masks, gives way to one.
    files.sort(key=lambda path: (find_format(path.suffix) is not None, path))
    names = [file.relative_to(folder) for file in files]
    without = {name.with_suffix(""): file for name, file in zip(names, files, strict=True)}
    return without | dict(zip(names, files, strict=True))


def check_masks(masks: Sequence[Sequence[Path | None]]) -> None:
    """Raise ``UserError`` if not a single photo has the masks it should have.

    Or if a picture is to be the mask of all of several photos, and cannot be read.
    """
    missing = [_missing(paths) for paths in masks]
    if masks and all(missing):
        first = missing[0][0]
        where = f"in {first.parent}, where the first one's would be {first.name}"
        raise UserError(f"no photo has a mask {where}")
    shared = set.intersection(*map(set, masks)) if len(masks) > 1 else set()
    for path in shared:
        if path and not is_clip(path):
            read_mask(path)


def load_masks(paths: Sequence[Path | None], size: tuple[int, int]) -> tuple[Tensor, list[str]]:
    """The masks (R, H, W) of a photo of that height and width, and which are of several frames.

    Raises ``UserError`` if one cannot be read, is missing, or has another shape.
    """
    check_there(paths)
    masks, notes = [], dict[str, None]()
    for path in paths:
        if path is None:
            masks.append(everywhere(size))
            continue
        mask, frames = read_mask(path)
        masks.append(fit_mask(mask, size, str(path)))
        if frames > 1:
            notes[f"{path}: 1 of {frames} frames is read"] = None
    return torch.cat(masks), list(notes)


def read_mask(path: Path) -> tuple[Tensor, int]:
    """The mask in a file of a picture, and of how many frames it is the first.

    Raises ``UserError`` if the file is none that can be read.
    """
    opened = open_image(path)
    picture = load_picture(opened)
    return mask_of(picture.pixels, picture.alpha), opened.info.frames


def fit_mask(mask: Tensor, size: tuple[int, int], name: str) -> Tensor:
    """A mask (1, H, W), scaled to a height and width. Raises ``UserError`` for another shape."""
    height, width = mask.shape[1:]
    rounding = 1 / min(height, width, *size)
    ratio = height * size[1] / (width * size[0])
    if max(ratio, 1 / ratio) - 1 > _OTHER_SHAPE + rounding:
        raise UserError(
            f"the mask {name} has {width} x {height} pixels and the photo {size[1]} x {size[0]}:"
            " that is another shape"
        )
    return resample(mask, size)


def check_there(paths: Sequence[Path | None]) -> None:
    """Raise ``UserError`` if one of a photo's masks is missing."""
    for path in _missing(paths):
        raise UserError(f"it has no mask: there is no {path}")


def find_black(masks: Tensor, paths: Sequence[Path | None]) -> list[str]:
    """Which of the masks have nothing in them."""
    named = zip(masks, paths, strict=True)
    return [f"{path} is black all over" for mask, path in named if path and not mask.any()]


def find_clashes(masks: Tensor, paths: Sequence[Path | None]) -> list[str]:
    """Whether the masks lie over each other, or leave something free."""
    found = []
    named = masks[[path is not None for path in paths]]
    if ((named > 127).sum(0, dtype=torch.uint8) > 1).any():
        found.append("regions overlap: there the later one is seen")
    if len(masks) > 1 and not masks.any(0).all():
        found.append("regions leave gaps: there the photo is seen")
    return found


def _missing(paths: Sequence[Path | None]) -> list[Path]:
    return [path for path in paths if path and not path.exists()]
