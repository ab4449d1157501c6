"""Against flicker: what stands still in a clip stands still in the stylized clip.

A network sees each frame for the first time. In flat surfaces it makes strokes out of the noise of
the camera, other ones in each frame, and a bright thing that enters shifts the colors of all the
rest, since normalization looks at the whole picture. So where a frame differs from the last by no
more than noise, both the photo and its stylized version are running means over time.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.images.pixels import resample

#: Differences up to this are noise, of twice this and more motion; the mean over a window.
_NOISE = 4 / 255
_WINDOW = 5
#: In place of what was not seen before: no frame is near it.
_UNSEEN = 2.0


class TemporalFilter:
    """A recursive filter in time for frames and their stylized versions.

    ``keep`` is how much of what stands still remains of the frames before, 0 to 1.
    """

    def __init__(self, keep: float) -> None:
        self.keep = keep
        self._photo: Tensor | None = None
        self._stylized: Tensor | None = None
        self._weight = torch.ones(1)  # of each pixel, (1, H, W), that is taken from the new frame

    def photo(self, frame: Tensor) -> Tensor:
        """The next frame, (3, H, W) in [0, 1], without the noise of what stands still."""
        if self._photo is not None and self._photo.shape == frame.shape:
            difference = (frame - self._photo).abs().mean(0, keepdim=True)
            smooth = F.avg_pool2d(
                difference, _WINDOW, stride=1, padding=_WINDOW // 2, count_include_pad=False
            )
            motion = (smooth / _NOISE - 1).clamp_(0, 1)
            self._weight = torch.lerp(motion, torch.ones_like(motion), 1 - self.keep)
            frame = torch.lerp(self._photo, frame, self._weight)
        self._photo = frame
        return frame

    def stylized(self, frame: Tensor) -> Tensor:
        """The stylized version, (3, H, W) in [0, 1], of the frame that :meth:`photo` gave last."""
        if self._stylized is not None and self._stylized.shape == frame.shape:
            weight = resample(self._weight, (frame.shape[1], frame.shape[2]))
            frame = torch.lerp(self._stylized, frame, weight)
        self._stylized = frame
        return frame

    def move(self, rows: int, columns: int) -> None:
        """Let what comes next lie so many pixels further down and to the right in the scene."""
        self._photo = _moved(self._photo, rows, columns)
        self._stylized = _moved(self._stylized, rows, columns)


def _moved(mean: Tensor | None, rows: int, columns: int) -> Tensor | None:
    if mean is None or not (rows or columns):
        return mean
    height, width = mean.shape[1:]
    if abs(rows) >= height or abs(columns) >= width:
        return torch.full_like(mean, _UNSEEN)
    return F.pad(mean, (-columns, columns, -rows, rows), value=_UNSEEN)
