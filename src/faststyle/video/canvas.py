"""A canvas that lies still in the scene while the camera moves over it.

A network makes other strokes as soon as the photo moves over its grid of strides, and what stands
still in the scene moves in the frame, so that no running mean holds it. So each frame is registered
to the canvas, by corners that both show (Shi and Tomasi, 1994; Lucas and Kanade, 1981), and warped
onto it before it is stylized. The canvas follows the camera by multiples of the network's grid, by
which nothing is sampled anew, and the network's noise goes with the scene. What comes out of
:class:`TemporalFilter` there is warped back to where the camera saw it.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faststyle.images.pixels import quantize, to_luma, to_unit
from faststyle.video.temporal_filter import TemporalFilter

#: Pixels by which the canvas moves, which those of all layers divide; and around the frame.
GRID, MARGIN = 4, 8
#: Corners that are looked for, how good they are, and how far apart in pixels.
_CORNERS, _QUALITY, _APART = 300, 0.01, 8
#: Corners that must agree to within so many pixels, and as a part of all, for a motion.
_AGREE, _WITHIN, _PART = 12, 1.0, 0.4
#: Beyond these, by which a frame may be larger or turned, it begins a canvas of its own, on which
#: the old one fades away within so many frames.
_ZOOM, _TURN, _FADE = 1.12, 0.1, 10
#: Pixels that a camera which stands still seems to move, and the part of corners that must do so.
_STILL, _STAND = 0.2, 0.2

#: 2 x 3: turns, scales and shifts places (x, y).
_Matrix = NDArray[Any]


@dataclass
class _Fading:
    """An old canvas: as it was stylized last, and where its pixels are on the new one."""

    stylized: Tensor
    pose: _Matrix
    frames: int = 0


class Canvas:
    """Frames of a clip, warped to where they are in the scene, and their stylized versions back.

    ``keep`` is that of :class:`TemporalFilter`. ``corner`` is the row and column of the scene where
    the canvas begins, multiples of :data:`GRID`, and ``canvases`` how many there were.
    """

    def __init__(self, keep: float) -> None:
        self._keep = keep
        self._filter = TemporalFilter(keep)
        self.corner, self.canvases = (0, 0), 0
        self._reference: NDArray[np.uint8] | None = None
        self._size = (0, 0)
        #: From pixels of the canvas to those of the frame.
        self._pose = _shift(-MARGIN, -MARGIN)
        self._last: Tensor | None = None
        self._fading: _Fading | None = None

    def photo(self, frame: Tensor) -> Tensor:
        """The canvas (3, H + 2 * MARGIN, W + 2 * MARGIN) with the next frame, (3, H, W), on it."""
        before, self._size = self._size, (frame.shape[1], frame.shape[2])
        found = None
        if self._reference is not None and before == self._size:
            found = _register(self._reference, _gray(frame), self._pose)
        if found is None or _is_far(found):
            self._begin_anew(found)
        else:
            self._pose = self._follow(found)
        photo = self._filter.photo(self._on_canvas(frame))
        self._reference = _gray(photo)
        return photo

    def warp_masks(self, masks: Tensor) -> Tensor:
        """Masks of a frame, uint8 (R, H, W), on the canvas that :meth:`photo` gave."""
        return quantize(torch.cat([self._on_canvas(to_unit(mask[None])) for mask in masks]))

    def stylized(self, canvas: Tensor) -> Tensor:
        """What the camera sees, (3, H, W), of the stylized canvas that :meth:`photo` gave."""
        self._last = self._filter.stylized(canvas)
        new = _sample(self._last, cv2.invertAffineTransform(self._pose), self._size)
        old = self._fading
        if old is None:
            return new
        back = cv2.invertAffineTransform(_after(self._pose, old.pose))
        old.frames += 1
        weight = min(1.0, old.frames / _FADE)  # of the new canvas in what is seen
        if weight == 1:
            self._fading = None
        return torch.lerp(_sample(old.stylized, back, self._size), new, weight)

    def _on_canvas(self, picture: Tensor) -> Tensor:
        height, width = self._size
        return _sample(picture, self._pose, (height + 2 * MARGIN, width + 2 * MARGIN))

    def _begin_anew(self, pose: _Matrix | None) -> None:
        """Begin a canvas where the camera is; an old one that is seen there fades away on it."""
        fresh, self._fading = _shift(-MARGIN, -MARGIN), None
        self.canvases += 1
        if pose is not None and self._last is not None:
            self._fading = _Fading(self._last, _after(_shift(MARGIN, MARGIN), pose))
        if (self._pose != fresh).any():  # a flat scene that stands still has no corners
            self._filter = TemporalFilter(self._keep)
        self._pose = fresh

    def _follow(self, pose: _Matrix) -> _Matrix:
        """Move the canvas by its grid to where the camera is; the pose on it."""
        height, width = self._size
        middle = np.array([width / 2 + MARGIN, height / 2 + MARGIN])
        seen = np.linalg.solve(pose[:, :2], np.array([width / 2, height / 2]) - pose[:, 2])
        right, down = (GRID * round(float(value) / GRID) for value in seen - middle)
        self._filter.move(down, right)
        self.corner = self.corner[0] + down, self.corner[1] + right
        if self._fading:
            self._fading.pose = _after(_shift(-right, -down), self._fading.pose)
        moved: _Matrix = pose.copy()
        moved[:, 2] += pose[:, :2] @ np.array([right, down])
        still = _shift(*(round(float(value)) for value in moved[:, 2]))
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
        return still if np.abs(corners @ (moved - still).T).max() < _STILL else moved


def _register(canvas: NDArray[np.uint8], frame: NDArray[np.uint8], pose: _Matrix) -> _Matrix | None:
    """Where a frame is on the canvas, ``pose`` being where the last one was; none if nowhere."""
    padded = np.pad(frame, MARGIN, mode="edge")  # as large as the canvas
    inside = np.pad(np.full_like(frame, 255), MARGIN)
    corners = cv2.goodFeaturesToTrack(canvas, _CORNERS, _QUALITY, _APART, mask=inside)
    if corners is None or len(corners) < _AGREE:
        return None
    expected = (cv2.transform(corners, pose) + MARGIN).astype(np.float32)
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        canvas, padded, corners, expected.copy(), flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    is_found = status[:, 0] == 1
    if is_found.sum() < _AGREE:
        return None
    # A large thing that moves may have most of the corners; a camera on a stand sees it, too.
    off = np.abs(found - expected)[is_found].max(axis=(1, 2))
    if (off < _STILL).mean() > _STAND:
        return pose
    matrix, agree = cv2.estimateAffinePartial2D(
        corners[is_found], found[is_found] - MARGIN, ransacReprojThreshold=_WITHIN
    )
    if matrix is None or agree.sum() < max(_AGREE, _PART * len(agree)):
        return None
    return np.asarray(matrix, np.float64)


def _is_far(pose: _Matrix) -> bool:
    """Whether a frame is so much larger, smaller, or turned, that it needs a canvas of its own."""
    zoom, turn = np.hypot(pose[0, 0], pose[1, 0]), np.arctan2(pose[1, 0], pose[0, 0])
    return not 1 / _ZOOM < zoom < _ZOOM or abs(turn) > _TURN


def _shift(right: float, down: float) -> _Matrix:
    return np.array([[1.0, 0.0, right], [0.0, 1.0, down]])


def _after(second: _Matrix, first: _Matrix) -> _Matrix:
    """One motion and then another."""
    turned = second[:, :2]
    return np.column_stack((turned @ first[:, :2], turned @ first[:, 2] + second[:, 2]))


def _gray(picture: Tensor) -> NDArray[np.uint8]:
    gray: NDArray[np.uint8] = quantize(to_luma(picture[None])[0, 0]).cpu().numpy()
    return gray


def _sample(picture: Tensor, matrix: _Matrix, size: tuple[int, int]) -> Tensor:
    """``picture`` (C, H, W), mirrored at its edges, where ``matrix`` takes pixels of a size."""
    # What moves by whole pixels stays to the bit.
    is_whole = (matrix == np.round(matrix)).all() and (matrix[:, :2] == np.eye(2)).all()
    kernel = cv2.INTER_NEAREST if is_whole else cv2.INTER_LANCZOS4
    pixels = np.ascontiguousarray(picture.permute(1, 2, 0).cpu().numpy())
    flags, mirror = kernel | cv2.WARP_INVERSE_MAP, cv2.BORDER_REFLECT
    sampled = cv2.warpAffine(pixels, matrix, size[::-1], flags=flags, borderMode=mirror)
    channels = torch.from_numpy(sampled).reshape(*size, len(picture))
    return channels.permute(2, 0, 1).contiguous().clamp_(0, 1).to(picture)
