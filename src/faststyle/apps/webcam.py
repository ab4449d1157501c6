"""A live window: a camera's pictures (or a clip's) in styles that keys choose."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.files import save_picture
from faststyle.images.pixels import Picture, quantize, to_unit
from faststyle.styles.catalog import label
from faststyle.stylize.options import RenderOptions
from faststyle.stylize.stylizer import Stylizer
from faststyle.video.canvas import Canvas
from faststyle.video.clips import process_frame

TITLE = "faststyle"
KEYS = "1 to 9: style; space: next; o: the camera alone; s: save a picture; q: quit"
#: Of what stands still in the scene, this much remains from frame to frame.
_KEEP = 0.7
_ESCAPE = 27


@dataclass
class Live:
    """What is shown: one of the styles (each loaded when it is first shown), or the camera alone.

    ``folder``: where saved pictures go. ``loading``: for :meth:`Stylizer.load`.
    """

    styles: Sequence[str]
    options: RenderOptions
    folder: Path = Path()
    loading: dict[str, Any] = field(default_factory=dict)
    chosen: int = 0
    original: bool = False
    open: bool = True

    shown: Tensor | None = None
    _loaded: dict[int, Stylizer] = field(default_factory=dict)
    _canvas: Canvas = field(default_factory=lambda: Canvas(_KEEP))

    @property
    def caption(self) -> str:
        """What is seen, in a word."""
        return "camera" if self.original else label(self.styles[self.chosen])

    def show(self, photo: Tensor) -> Tensor:
        """What to show of a frame, (3, H, W) uint8, in the same form."""
        if self.original:
            self.shown = photo
            return photo
        if self.chosen not in self._loaded:
            style = self.styles[self.chosen]
            self._loaded[self.chosen] = Stylizer.load(style, **self.loading)
            self._canvas = Canvas(_KEEP)
        small = Picture(to_unit(photo)).scaled(self.options.size, self.options.max_pixels)
        at_size = replace(self.options, size=None)
        picture = process_frame(self._loaded[self.chosen], small, at_size, self._canvas)
        self.shown = quantize(picture.pixels)
        return self.shown

    def press(self, key: int) -> None:
        """Do what ``key`` (its code, negative for none) stands for in :data:`KEYS`."""
        letter = chr(key) if 0 <= key < 128 else ""
        if letter.isdecimal() and 0 < int(letter) <= len(self.styles):
            self._choose(int(letter) - 1)
        elif letter == " ":
            self._choose((self.chosen + 1) % len(self.styles))
        elif letter == "o":
            self.original = not self.original
        elif letter == "s" and self.shown is not None:
            name = f"{self.caption.replace(':', '_')}_%Y%m%d_%H%M%S.png"
            path = self.folder / time.strftime(name)
            save_picture(Picture(self.shown), path)
            print(path)  # noqa: T201
        elif letter == "q" or key == _ESCAPE:
            self.open = False

    def _choose(self, index: int) -> None:
        self.chosen, self.original = index, False
        self._canvas = Canvas(_KEEP)


def show_live(live: Live, source: int | str) -> int:
    """Show what ``source`` (a camera's number, a clip or an address) sees until it is closed.

    Returns how many frames were shown. Raises ``UserError`` for no such source or no display.
    """
    if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        # Before Qt, which would end the process.
        raise UserError("there is no display here; faststyle demo works in a browser")
    camera = _open(source)
    shown, then = 0, time.perf_counter()
    try:
        while live.open:
            read, frame = camera.read()
            if not read:
                break
            rgb = torch.from_numpy(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)).permute(2, 0, 1)
            picture = live.show(rgb).permute(1, 2, 0).numpy()
            cv2.imshow(TITLE, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            now = time.perf_counter()
            cv2.setWindowTitle(TITLE, f"{live.caption}, {1 / (now - then):.0f} frames a second")
            shown, then = shown + 1, now
            live.press(cv2.waitKey(1))
            if cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:  # closed by its button
                break
    finally:
        camera.release()
        cv2.destroyAllWindows()
    return shown


def _open(source: int | str) -> Any:
    camera = cv2.VideoCapture(source)
    if not camera.isOpened():
        kind = "camera" if isinstance(source, int) else "clip or address"
        raise UserError(f"no such {kind}: {source}; choose another --source")
    camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest picture, not those waiting
    return camera
