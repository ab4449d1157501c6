"""A decoded frame as an upright RGB picture, whatever its pixel format."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import av
import numpy as np
import torch
from av.sidedata.sidedata import Type
from numpy.typing import NDArray
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.pixels import MAX_PIXELS, quantize
from faststyle.video.hdr import BT709, is_hdr, tone_map
from faststyle.video.mastering import Mastering, find_mastering

_TV_RANGE = 1
Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """A picture of a clip: ``pixels``, (3, H, W) as in ``Picture``, and when it is shown.

    ``time`` counts in the clip's ``time_base`` (seconds). ``colors`` is FFmpeg's description of
    how the file stored them: matrix, range, transfer function and primaries. ``alpha`` is (1, H,
    W), or none. ``mastering`` is what HDR10 says of it, if that is to be kept.
    """

    pixels: Tensor
    time: int
    colors: tuple[int, int, int, int] = (2, 0, 2, 2)  # all of them unspecified
    alpha: Tensor | None = None
    mastering: Mastering | None = None


def upright(
    decoded: av.VideoFrame, shape: tuple[int, int], time: int, is_high_bit_depth: bool = False
) -> Frame:
    """As the camera was held; a frame of another shape (H, W) is scaled to it.

    It is of bytes and of ordinary range; if ``is_high_bit_depth``, of floats, as the file has it.

    Raises ``UserError`` if it is larger than pictures may be.
    """
    if decoded.height * decoded.width > MAX_PIXELS:
        raise UserError(f"frames of {decoded.width} x {decoded.height} pixels are too large")
    read = _high_bit_depth_rgb if is_high_bit_depth else _rgb
    pixels, colors = read(decoded, shape)
    turn = _turn(decoded)
    alpha = None
    if has_alpha(decoded):
        height, width = shape
        rgba: Any = decoded.to_ndarray(format="rgba", width=width, height=height)
        alpha = _channels_first(_turned(rgba[..., 3:], turn))
    mastering = find_mastering(decoded) if is_high_bit_depth else None
    return Frame(_channels_first(_turned(pixels, turn)), time, colors, alpha, mastering)


def has_alpha(decoded: av.VideoFrame) -> bool:
    """Whether the frame may be transparent."""
    return any(component.is_alpha for component in decoded.format.components)


def _rgb(
    decoded: av.VideoFrame, shape: tuple[int, int]
) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    height, width = shape
    colors = _colors(decoded)
    _, _, transfer, primaries = colors
    if is_hdr(transfer):
        signal, _ = _high_bit_depth_rgb(decoded, shape)
        shown = quantize(tone_map(torch.from_numpy(signal), transfer, primaries)).numpy()
        return shown, (BT709, _TV_RANGE, BT709, BT709)
    pixels: Any = decoded.to_ndarray(format="rgb24", width=width, height=height)
    return pixels, colors


def _high_bit_depth_rgb(
    decoded: av.VideoFrame, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], tuple[int, int, int, int]]:
    height, width = shape
    samples: Any = decoded.to_ndarray(format="rgb48le", width=width, height=height)
    return samples.astype(np.float32) / 65535, _colors(decoded)


def _colors(decoded: av.VideoFrame) -> tuple[int, int, int, int]:
    """Matrix, range, transfer function and primaries, as :class:`Frame` has them."""
    return decoded.colorspace, decoded.color_range, decoded.color_trc, decoded.color_primaries


def _turn(decoded: av.VideoFrame) -> tuple[int, int, int, int]:
    """Where the file's x and y axis point when it is shown: (x to x, x to y, y to x, y to y)."""
    side_data: Any = decoded.side_data
    matrix = side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5]
    if abs(int(a)) >= abs(int(b)):
        return _sign(a), 0, 0, _sign(d)
    return 0, _sign(b), _sign(c), 0


def _sign(value: int) -> int:
    return -1 if value < 0 else 1


def _turned(pixels: Pixels, turn: tuple[int, int, int, int]) -> Pixels:
    """(H, W, C) with its axes where ``turn`` says; y points down, in files as on screens."""
    x_to_x, x_to_y, y_to_x, y_to_y = turn
    if x_to_x == 0:
        pixels = pixels.transpose(1, 0, 2)
    shown_x, shown_y = x_to_x + y_to_x, x_to_y + y_to_y
    return pixels[::shown_y, ::shown_x]


def _channels_first(pixels: Pixels) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)
