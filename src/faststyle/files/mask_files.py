"""Which file is the mask of which photo, and masks read from files."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.formats import find_format
from faststyle.images.probe import probe
from faststyle.stylize.masks import everywhere, fit_mask, leave_gaps, overlap, read_mask


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

        Where it should be, if it is missing.
        """
        if self._by_name is None or self._path is None:
            return self._path
        missing = self._path / photo.with_suffix(".png")
        # By its whole name first: a.jpg and a.png may have masks of their own.
        return self._by_name.get(photo) or self._by_name.get(photo.with_suffix(""), missing)


def _by_name(folder: Path) -> dict[Path, Path]:
    """The files in a folder, by their names with and without ending."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    # What is no picture, as notes of the program that made the masks, gives way to one.
    files.sort(key=lambda path: (find_format(path.suffix) is not None, path))
    names = [file.relative_to(folder) for file in files]
    without = {name.with_suffix(""): file for name, file in zip(names, files, strict=True)}
    return without | dict(zip(names, files, strict=True))


def check_masks(masks: Sequence[Sequence[Path | None]]) -> None:
    """Raise ``UserError`` if not a single photo has the masks it should have."""
    missing = [path for paths in masks for path in _missing(paths)]
    if missing and all(_missing(paths) for paths in masks):
        raise UserError(
            f"no photo has a mask in {missing[0].parent}, where the first one's would be"
            f" {missing[0].name}"
        )


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
    return [*find_moving(paths), *find_black(masks, paths), *find_clashes(masks, paths)]


def find_moving(paths: Sequence[Path | None]) -> list[str]:
    """Which of the masks are pictures of several frames."""
    counts = {path: probe(path).frames for path in paths if path}
    return [f"{path}: 1 of {count} frames is read" for path, count in counts.items() if count > 1]


def find_black(masks: Tensor, paths: Sequence[Path | None]) -> list[str]:
    """Which of the masks have nothing in them."""
    named = zip(masks, paths, strict=True)
    return [f"{path} is black all over" for mask, path in named if path and not mask.any()]


def find_clashes(masks: Tensor, paths: Sequence[Path | None]) -> list[str]:
    """Whether the masks lie over each other, or leave something free."""
    named = [mask for mask, path in zip(masks, paths, strict=True) if path]
    found = []
    if len(named) > 1 and overlap(torch.stack(named)):
        found.append("regions overlap: there the later one is seen")
    if len(masks) > 1 and leave_gaps(masks):
        found.append("regions leave gaps: there the photo is seen")
    return found


def _missing(paths: Sequence[Path | None]) -> list[Path]:
    return [path for path in paths if path and not path.exists()]
