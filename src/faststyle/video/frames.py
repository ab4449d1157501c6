"""A decoded frame as an upright RGB picture, whatever its pixel format."""

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import torch
from av.sidedata.sidedata import Type
from numpy.typing import NDArray
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.pixels import MAX_PIXELS, quantize
from faststyle.video.hdr import BT709, Mastering, find_mastering, is_hdr, tone_map

_TV_RANGE = 1


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
    colors = decoded.colorspace, decoded.color_range, decoded.color_trc, decoded.color_primaries
    mastering = find_mastering(decoded) if is_high_bit_depth else None
    if is_high_bit_depth or is_hdr(decoded.color_trc):
        pixels = _read(decoded, "rgb48le", shape).astype(np.float32) / 65535
    else:
        pixels = _read(decoded, "rgb24", shape)
    if is_hdr(decoded.color_trc) and not is_high_bit_depth:
        _, _, transfer, primaries = colors
        pixels = quantize(tone_map(torch.from_numpy(pixels), transfer, primaries)).numpy()
        colors = BT709, _TV_RANGE, BT709, BT709
    alpha = None
    if any(component.is_alpha for component in decoded.format.components):
        alpha = _turned(_read(decoded, "rgba", shape)[..., 3:], decoded)
    return Frame(_turned(pixels, decoded), time, colors, alpha, mastering)


def _read(decoded: av.VideoFrame, pixel_format: str, shape: tuple[int, int]) -> NDArray[Any]:
    height, width = shape
    pixels: NDArray[Any] = decoded.to_ndarray(format=pixel_format, width=width, height=height)
    return pixels


def _turned(pixels: NDArray[Any], decoded: av.VideoFrame) -> Tensor:
    """(C, H, W) of (H, W, C), with its axes where the file says; y points down there, too."""
    side_data: Any = decoded.side_data
    matrix = side_data.get(Type.DISPLAYMATRIX)
    if matrix is not None:
        x, b, _, c, y = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
        if abs(x) < abs(b):  # it lies on its side
            pixels, x, y = pixels.transpose(1, 0, 2), c, b
        pixels = pixels[:: -1 if y < 0 else 1, :: -1 if x < 0 else 1]
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)
