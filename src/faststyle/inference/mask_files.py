"""Which file is the mask of which photo, and masks read from files."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.inference.masks import everywhere, fit_mask, leave_gaps, overlap, read_mask

#: In place of a file: everywhere where no other style goes.
REST = "rest"


class MaskFiles:
    """Masks as a command line names them.

    Args:
        given: a picture or clip, which is for all photos; a folder that has one called as each
            photo is, whatever its ending; or :data:`REST`.

    Raises:
        UserError: there is none.
    """

    def __init__(self, given: str) -> None:
        self._path = Path(given).expanduser()
        self._is_rest = given == REST
        self._by_name: dict[Path, Path] | None = None
        if self._is_rest:
            return
        if not self._path.exists():
            raise UserError(f"no such mask: {self._path}")
        if self._path.is_dir():
            files = sorted(path for path in self._path.rglob("*") if path.is_file())
            self._by_name = {file.relative_to(self._path).with_suffix(""): file for file in files}

    def holds(self, photo: Path) -> bool:
        """Whether a photo lies in this folder of masks, and is one of them."""
        return self._by_name is not None and self._path.resolve() in photo.resolve().parents

    def of(self, photo: Path) -> Path | None:
        """The mask of a photo, by its path in the folder of photos; none is everywhere.

        Where it should be, if it is missing.
        """
        if self._is_rest:
            return None
        if self._by_name is None:
            return self._path
        return self._by_name.get(photo.with_suffix(""), self._path / photo.with_suffix(".png"))


def check_masks(masks: Sequence[Sequence[Path | None]]) -> None:
    """Raise ``UserError`` if not a single photo has the masks it should have."""
    missing = [path for paths in masks for path in _missing(paths)]
    if missing and all(_missing(paths) for paths in masks):
        raise UserError(f"no photo has a mask in {missing[0].parent}: it should be called as it is")


def load_masks(paths: Sequence[Path | None], size: tuple[int, int]) -> Tensor | None:
    """The masks (R, H, W) of a photo of that height and width; none if there are to be none.

    Raises ``UserError`` if one cannot be read, is missing, or has another shape.
    """
    if not paths:
        return None
    check_there(paths)
    return torch.cat(
        [fit_mask(read_mask(path), size, str(path)) if path else everywhere(size) for path in paths]
    )


def check_there(paths: Sequence[Path | None]) -> None:
    """Raise ``UserError`` if one of a photo's masks is missing."""
    for path in _missing(paths):
        raise UserError(f"it has no mask: there is no {path}")


def remarks(masks: Tensor | None, paths: Sequence[Path | None]) -> list[str]:
    """What a user may not have meant about masks (R, H, W), which are named by their files."""
    if masks is None:
        return []
    named = [(mask, path) for mask, path in zip(masks, paths, strict=True) if path]
    found = [f"{path} is black all over" for mask, path in named if not mask.any()]
    if len(named) > 1 and overlap(torch.stack([mask for mask, _ in named])):
        found.append("regions overlap: there the later one is seen")
    if len(masks) > 1 and leave_gaps(masks):
        found.append("regions leave gaps: there the photo is seen")
    return found


def _missing(paths: Sequence[Path | None]) -> list[Path]:
    return [path for path in paths if path and not path.exists()]
