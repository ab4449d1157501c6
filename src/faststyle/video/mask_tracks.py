"""Where styles go in a clip: a mask that stands still, or a clip of masks beside it."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.files.inputs import is_clip
from faststyle.files.mask_files import (
    check_there,
    find_black,
    find_clashes,
    fit_mask,
    read_mask,
)
from faststyle.images.arrays import everywhere, mask_of
from faststyle.images.pixels import to_unit
from faststyle.video.frames import Frame
from faststyle.video.reader import Clip

#: Parts of a second by which frames that are shown together may be apart in two files.
_TOGETHER = 0.002


class MaskTracks:
    """The masks of each frame of a clip.

    Args:
        tracks: where each style goes, none being everywhere.
        paths: what these are read from.
    """

    def __init__(self, tracks: Sequence["_Track | None"], paths: Sequence[Path | None]) -> None:
        self._tracks, self._paths = tracks, paths
        self._black: list[str] | None = None  # those of which nothing was seen so far
        self._clashes: dict[str, None] = {}  # in their order

    @property
    def notes(self) -> list[str]:
        """What a user may not have meant; known after the last frame."""
        short = [
            f"{track.name} ends early: its last mask is held"
            for track in self._tracks
            if isinstance(track, MaskClip) and track.is_short
        ]
        return [*(self._black or []), *self._clashes, *short]

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
        if self._black is not None:
            black = [each for each in self._black if each in black]
        self._black = black
        self._clashes |= dict.fromkeys(find_clashes(masks, self._paths))
        return masks


@contextmanager
def open_masks(
    paths: Sequence[Path | None], start: float, end: float | None
) -> Iterator[MaskTracks]:
    """The masks of a clip.

    Args:
        paths: for each style a picture, or a clip of masks; none is everywhere.
        start: of the section, in seconds, of the clip and of its masks.
        end: of the section; none is the clip's end.

    Raises:
        UserError: one is missing or cannot be read.
    """
    check_there(paths)
    with ExitStack() as opened:
        tracks: list[_Track | None] = []
        for path in paths:
            if path is None:
                tracks.append(None)
            elif is_clip(path):
                clip = opened.enter_context(Clip(path, start, end))
                tracks.append(opened.enter_context(closing(MaskClip(clip))))
            else:
                tracks.append(StaticMask(path))
        yield MaskTracks(tracks, paths)


class StaticMask:
    """The mask of a picture, the same at any time."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._mask = read_mask(path)

    def at(self, _: float) -> Tensor:
        """The mask, uint8 (1, H, W)."""
        return self._mask


class MaskClip:
    """The masks of a clip, which end with it."""

    def __init__(self, clip: Clip) -> None:
        self.name, self.is_short = str(clip.path), False
        self._frames = _read(clip)
        self._length = 1 / float(clip.rate)
        first = next(self._frames, None)
        if first is None:
            raise UserError(f"{self.name} has no frames that are stylized: see --start")
        self._time, self._mask = first
        self._next = next(self._frames, None)

    def at(self, seconds: float) -> Tensor:
        """The mask that is shown then; before the first one, that."""
        while self._next is not None and self._next[0] <= seconds + _TOGETHER:
            self._time, self._mask = self._next
            self._next = next(self._frames, None)
        self.is_short = self._next is None and seconds > self._time + self._length + _TOGETHER
        return self._mask

    def close(self) -> None:
        """Close the file."""
        self._frames.close()


_Track = StaticMask | MaskClip


def _read(clip: Clip) -> Generator[tuple[float, Tensor], None, None]:
    """The seconds at which each mask is shown, and the mask."""
    for item in clip:
        if isinstance(item, Frame):
            alpha = None if item.alpha is None else to_unit(item.alpha)
            yield float(item.time * clip.time_base), mask_of(to_unit(item.pixels), alpha)
