"""A decoded frame as an upright RGB picture, whatever its pixel format and its dynamic range.

Clips in HLG or PQ are brought to ordinary range first: :mod:`faststyle.images.hdr`.

Clips of 10 bits keep it, and what HDR10 says of it for screens with less: the colors and the light
of the screen that it was made on (SMPTE ST 2086), and the light of its brightest pixel and of its
brightest frame (CTA-861.3). It stands in the video stream, so that the encoder is told.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import torch
from av.sidedata.sidedata import Type
from numpy.typing import NDArray
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.hdr import BT709, HDR, tone_map
from faststyle.images.pixels import MAX_PIXELS, quantize
from faststyle.video.colors import FULL, LIMITED, UNSPECIFIED, WRITTEN, YCGCO, Colors, complete
from faststyle.video.marks import find_side_data

#: FFmpeg's AVMasteringDisplayMetadata, ten fractions of two integers and two flags, and its
#: AVContentLightMetadata.
_SCREEN, _LIGHT = struct.Struct("22i"), struct.Struct("2I")


@dataclass(frozen=True)
class Mastering:
    """What HDR10 says.

    Args:
        screen: x and y of its red, green, blue and white (CIE 1931), and its least and greatest
            light in cd/m2; none if that is not known.
        light: of the brightest pixel and the brightest frame, in cd/m2; none if that is not known.
    """

    screen: tuple[float, ...] | None
    light: tuple[int, int] | None

    def options_of(self, codec: str) -> Mapping[str, str]:
        """What tells FFmpeg's encoder ``codec`` so; none where it cannot be told."""
        if codec == "libx265":  # in steps of 1/50000, and of 0.0001 cd/m2
            return {"x265-params": self._format("master-display", 50_000, 10_000, "max-cll")}
        if codec == "libsvtav1":
            return {"svtav1-params": self._format("mastering-display", 0, 0, "content-light")}
        return {}

    def _format(self, name: str, colors: int, light: int, brightest: str) -> str:
        parts = []
        if self.screen is not None:
            steps = [colors] * 8 + [light] * 2
            pairs = zip(self.screen, steps, strict=True)
            said = [str(round(value * step)) if step else f"{value:.5f}" for value, step in pairs]
            red, green, blue, white, (least, most) = zip(said[::2], said[1::2], strict=True)
            points = f"G({','.join(green)})B({','.join(blue)})R({','.join(red)})"
            parts.append(f"{name}={points}WP({','.join(white)})L({most},{least})")
        if self.light is not None:
            parts.append(f"{brightest}={self.light[0]},{self.light[1]}")
        return ":".join(parts)


@dataclass(frozen=True)
class Frame:
    """A picture of a clip: ``pixels``, (3, H, W) as in ``Picture``, and when it is shown.

    ``time`` counts in the clip's ``time_base`` (seconds). ``colors`` is how the file stored them,
    as far as another file is to say the same. ``alpha`` is (1, H, W), or none. ``mastering`` is
    what HDR10 says of it, if that is to be kept. ``is_turned``: rows were columns in the file.
    """

    pixels: Tensor
    time: int
    colors: Colors = Colors()  # noqa: RUF009  # cannot be changed
    alpha: Tensor | None = None
    mastering: Mastering | None = None
    is_turned: bool = False


def upright(
    decoded: av.VideoFrame,
    shape: tuple[int, int],
    time: int,
    is_high_bit_depth: bool = False,
    crop: tuple[slice, slice] = (slice(None), slice(None)),
) -> Frame:
    """As the camera was held; a frame of another shape (H, W) is scaled to it, and then cropped.

    It is of bytes and of ordinary range; if ``is_high_bit_depth``, of floats, as the file has it.

    Raises ``UserError`` if it is larger than pictures may be, or of colors that are not read.
    """
    if decoded.height * decoded.width > MAX_PIXELS:
        raise UserError(f"frames of {decoded.width} x {decoded.height} pixels are too large")
    is_rgb = decoded.format.is_rgb
    matrix = UNSPECIFIED if is_rgb else decoded.colorspace
    stated = Colors(matrix, decoded.color_range, decoded.color_trc, decoded.color_primaries)
    colors = complete(stated, (decoded.height, decoded.width))
    mastering = find_mastering(decoded) if is_high_bit_depth else None
    is_hdr, is_ycgco = colors.transfer in HDR, colors.matrix == YCGCO
    decoded.colorspace = UNSPECIFIED if is_ycgco or is_rgb else colors.matrix
    if is_ycgco:
        pixels = _from_ycgco(decoded, shape)
    elif is_high_bit_depth or is_hdr:
        pixels = _read(decoded, "rgb48le", shape).astype(np.float32) / 65535
    else:
        pixels = _read(decoded, "rgb24", shape)
    if is_hdr and not is_high_bit_depth:
        mapped = tone_map(torch.from_numpy(pixels), colors.transfer, colors.primaries)
        pixels, colors = mapped.numpy(), Colors(BT709, LIMITED, BT709, BT709)
    else:
        matrix = matrix if matrix in WRITTEN else UNSPECIFIED
        colors = colors._replace(matrix=matrix, range=LIMITED if is_rgb else colors.range)
    if not is_high_bit_depth and pixels.dtype != np.uint8:
        pixels = quantize(torch.from_numpy(pixels)).numpy()
    alpha = None
    if any(component.is_alpha for component in decoded.format.components):
        alpha = _turned(_read(decoded, "rgba", shape)[..., 3:][crop], decoded)
    *_, is_turned = _axes(decoded)
    return Frame(_turned(pixels[crop], decoded), time, colors, alpha, mastering, is_turned)


def _read(
    decoded: av.VideoFrame,
    pixel_format: str,
    shape: tuple[int, int],
    color_range: int | None = None,
) -> NDArray[Any]:
    height, width = shape
    pixels: NDArray[Any] = decoded.to_ndarray(
        format=pixel_format, width=width, height=height, dst_color_range=color_range
    )
    if decoded.format.name.startswith("gray") and decoded.color_range == LIMITED:
        # FFmpeg converts any gray as if it had the full range.
        white = np.iinfo(pixels.dtype).max
        full = (pixels - white * (16 / 255)) * (255 / 219)
        pixels = full.round().clip(0, white).astype(pixels.dtype)
    return pixels


def _from_ycgco(decoded: av.VideoFrame, shape: tuple[int, int]) -> NDArray[Any]:
    """RGB, float32 (H, W, 3) in [0, 1] (ITU-T H.273, matrix 8), which FFmpeg does not convert."""
    planes = _read(decoded, "yuv444p16le", shape, FULL).astype(np.float32) / 65535
    y, green, orange = planes[..., 0], planes[..., 1] - 0.5, planes[..., 2] - 0.5
    return np.stack((y - green + orange, y + green, y - green - orange), -1).clip(0, 1)


def _turned(pixels: NDArray[Any], decoded: av.VideoFrame) -> Tensor:
    """(C, H, W) of (H, W, C), with its axes where the file says."""
    right, down, is_turned = _axes(decoded)
    pixels = (pixels.transpose(1, 0, 2) if is_turned else pixels)[::down, ::right]
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)


def _axes(decoded: av.VideoFrame) -> tuple[int, int, bool]:
    """Where to the right and down are, 1 or -1; the last says whether rows were columns."""
    if matrix := find_side_data(decoded, Type.DISPLAYMATRIX):
        x, b, _, c, y = np.frombuffer(matrix, np.int32)[:5].tolist()  # y points down there, too
    else:
        angle = math.radians(decoded.rotation)
        x = y = round(math.cos(angle))
        c = round(math.sin(angle))
        b = -c
    is_turned = abs(x) < abs(b)
    right, down = (c, b) if is_turned else (x, y)
    return -1 if right < 0 else 1, -1 if down < 0 else 1, is_turned


def find_mastering(decoded: av.VideoFrame) -> Mastering | None:
    """The mastering of a frame, or of its file; none if it has none."""
    screen = light = None
    if found := _find(decoded, Type.MASTERING_DISPLAY_METADATA, _SCREEN):
        *integers, has_colors, has_light = found
        pairs = list(zip(integers[::2], integers[1::2], strict=True))
        if has_colors and has_light and all(below for _, below in pairs):
            screen = tuple(above / below for above, below in pairs)
    if found := _find(decoded, Type.CONTENT_LIGHT_LEVEL, _LIGHT):
        light = found[0], found[1]
    return None if screen is light is None else Mastering(screen, light)


def _find(decoded: av.VideoFrame, kind: Type, layout: struct.Struct) -> tuple[int, ...]:
    content = find_side_data(decoded, kind)
    return layout.unpack_from(content) if len(content) >= layout.size else ()
