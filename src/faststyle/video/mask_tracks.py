"""Where styles go in a clip: a mask that stands still, or a clip of masks beside it."""

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.files.clip_formats import is_clip
from faststyle.files.mask_files import check_there, find_black, find_clashes, fit_mask, read_mask
from faststyle.images.arrays import everywhere, mask_of
from faststyle.images.pixels import to_unit
from faststyle.video.frames import Frame
from faststyle.video.reader import Clip

#: Parts of a second by which frames that are shown together may be apart in two files.
_TOGETHER = 0.002


class MaskTracks:
    """The masks of each frame of a clip: where each style goes, no track being everywhere."""

    def __init__(self, tracks: Sequence["_Track | None"], paths: Sequence[Path | None]) -> None:
        self._tracks, self._paths = tracks, paths
        self._black: list[str] | None = None  # those of which nothing was seen so far
        self._clashes: dict[str, None] = {}  # in their order

    @property
    def notes(self) -> list[str]:
        """What a user may not have meant; known after the last frame."""
        short = [track.name for track in self._tracks if track is not None and track.is_short]
        held = [f"{name} ends early: its last mask is held" for name in short]
        return [*(self._black or []), *self._clashes, *held]

    def at(self, seconds: float, size: tuple[int, int]) -> Tensor | None:
        """Masks (R, H, W) at a time, for frames of that height and width; none without any."""
        if not self._tracks:
            return None
        masks = torch.cat(
            [
                everywhere(size) if track is None else fit_mask(track.at(seconds), size, track.name)
                for track in self._tracks
            ]
        )
        black = find_black(masks, self._paths)
        self._black = [each for each in black if self._black is None or each in self._black]
        self._clashes |= dict.fromkeys(find_clashes(masks, self._paths))
        return masks


@contextmanager
def open_masks(
    paths: Sequence[Path | None], start: float, end: float | None
) -> Iterator[MaskTracks]:
    """The masks of a clip: for each style a picture, or a clip of masks; none is everywhere.

    ``start`` and ``end`` are of the section, in seconds, of the clip and of its masks. Raises
    ``UserError`` if one is missing or cannot be read.
    """
    check_there(paths)
    with ExitStack() as opened:

        def track(path: Path) -> _Track:
            if not is_clip(path):
                return _Track(str(path), iter([(0.0, read_mask(path)[0])]), math.inf)
            clip = opened.enter_context(Clip(path, start, end))
            masks = opened.enter_context(closing(_read(clip)))
            return _Track(str(path), masks, 1 / float(clip.rate))

        yield MaskTracks([None if path is None else track(path) for path in paths], paths)


class _Track:
    """A mask by its time, the last one of which is shown for ``length`` seconds."""

    def __init__(self, name: str, masks: Iterator[tuple[float, Tensor]], length: float) -> None:
        self.name, self.is_short = name, False
        self._masks, self._length = masks, length
        first = next(masks, None)
        if first is None:
            raise UserError(f"{self.name} has no frames that are stylized: see --start")
        self._time, self._mask = first
        self._next = next(masks, None)

    def at(self, seconds: float) -> Tensor:
        """The mask, uint8 (1, H, W), that is shown then; before the first one, that."""
        while self._next is not None and self._next[0] <= seconds + _TOGETHER:
            self._time, self._mask = self._next
            self._next = next(self._masks, None)
        self.is_short = self._next is None and seconds > self._time + self._length + _TOGETHER
        return self._mask


def _read(clip: Clip) -> Generator[tuple[float, Tensor], None, None]:
    for item in clip:
        if isinstance(item, Frame):
            alpha = None if item.alpha is None else to_unit(item.alpha)
            yield float(item.time * clip.time_base), mask_of(to_unit(item.pixels), alpha)
