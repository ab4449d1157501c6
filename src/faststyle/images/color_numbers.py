"""Colors that a file describes by numbers, as an ICC profile, which every format and viewer knows.

The numbers are those of ITU-T H.273 (in a PNG's cICP, in nclx of AVIF and HEIC, in JPEG 2000), or
chromaticities and a gamma (a PNG's cHRM and gAMA, a BMP's) or tables (a TIFF's). PQ and HLG are
brought to ordinary range.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from faststyle.images.hdr import BT709, BT2020, HDR, SCREEN_GAMMA, tone_map
from faststyle.images.pixels import Picture, in_parts, quantize, to_unit

Chromaticities = tuple[float, ...]

D65, _C = (0.3127, 0.3290), (0.310, 0.316)
_P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
#: Adobe RGB (1998), which EXIF names without numbers.
ADOBE_RGB_XY, ADOBE_RGB_GAMMA = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *D65), 563 / 256
#: x and y of red, green, blue and white, by H.273's numbers of primaries.
PRIMARIES: Mapping[int, Chromaticities] = {
    BT709: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65),
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, *_C),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *_C),
    BT2020: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65),
    10: (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3),
    11: (*_P3, 0.314, 0.351),
    12: (*_P3, *D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *D65),
}
_SRGB = 13
_OF_SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_OF_TV = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
#: By H.273's numbers of transfer functions, a gamma g, or g, a, b, c, d: light is (a x + b)^g from
#: d on, and c x below.
_CURVES: Mapping[int, tuple[float, ...]] = {
    **dict.fromkeys((1, 6, 11, 12, 14, 15), _OF_TV),
    4: (2.2,),
    5: (2.8,),
    7: (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0912),
    8: (1.0,),
    17: (2.6,),
}
#: Of chromaticities and gammas, what other programs take for sRGB's, too.
_NEAR_XY, _NEAR_GAMMA = 0.002, 0.05
_GAMMAS = 0.2, 8.0  # others are mistakes
_LONGEST_TABLE = 4095  # steps; of 65,535 this is a whole part
_HDR_NAMES = dict(zip(HDR, ("PQ", "HLG"), strict=True))

#: The white of profiles, as X, Y and Z.
D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


@dataclass(frozen=True)
class ColorNumbers:
    """What a file says of its colors.

    Args:
        primaries: H.273's number, or x and y of red, green, blue and white.
        transfer: H.273's number; that of sRGB if unknown.
        gamma: in place of ``transfer``.
        tables: in place of both, the light from 0 to 65535 of each sample; one for all channels, or
            three.
        is_narrow: whether black is 16 and white 235 of 255.
    """

    primaries: int | Chromaticities = BT709
    transfer: int = _SRGB
    gamma: float | None = None
    is_narrow: bool = False
    tables: tuple[tuple[int, ...], ...] = ()

    @property
    def hdr(self) -> str:
        """The name of its high dynamic range, or nothing."""
        return _HDR_NAMES.get(self.transfer, "")

    def profile(self) -> bytes | None:
        """An ICC profile of the same colors; none if they are sRGB or not known."""
        known = PRIMARIES[BT709]
        found = self.primaries
        points = PRIMARIES.get(found, known) if isinstance(found, int) else found
        if max(abs(a - b) for a, b in zip(points, known, strict=True)) <= _NEAR_XY:
            points = known
        if self.tables:
            return _make_profile(points, *map(_pack_table, self.tables))
        curve = _CURVES.get(self.transfer, _OF_SRGB) if self.gamma is None else (self.gamma,)
        is_srgb = (points, curve) == (known, _OF_SRGB)
        return None if is_srgb else _make_profile(points, _pack_curve(curve))


def find_numbers(info: Mapping[Any, Any]) -> ColorNumbers | None:
    """The numbers in ``info`` of a Pillow image, if they count more than its profile."""
    if isinstance(numbers := info.get("cicp"), ColorNumbers):
        return numbers
    if info.get("icc_profile") or "srgb" in info:
        return None
    if nclx := info.get("nclx_profile"):
        return ColorNumbers(nclx["color_primaries"], nclx["transfer_characteristics"])
    gamma, points = 1 / (info.get("gamma") or 1 / 2.2), info.get("chromaticity") or ()
    if not {"gamma", "chromaticity"} & info.keys() or not _GAMMAS[0] < gamma < _GAMMAS[1]:
        return None
    is_usual = abs(gamma / 2.2 - 1) < _NEAR_GAMMA
    # A PNG begins with white.
    primaries = (*points[2:], *points[:2]) if len(points) == 8 else BT709
    return ColorNumbers(primaries, gamma=None if is_usual else gamma)


def apply_numbers(picture: Picture, numbers: ColorNumbers) -> Picture:
    """The picture with the profile of ``numbers``, and of ordinary range.

    PQ and HLG become what they become in clips: :func:`faststyle.images.hdr.tone_map`.
    """
    is_bytes = not picture.pixels.is_floating_point()
    if numbers.is_narrow or numbers.hdr:
        pixels = torch.empty_like(picture.pixels)
        for rows in in_parts(pixels):
            part = _in_ordinary_range(to_unit(picture.pixels[:, rows]), numbers)
            pixels[:, rows] = quantize(part) if is_bytes else part
        picture = replace(picture, pixels=pixels)
    if numbers.hdr:
        primaries = BT709 if numbers.primaries == BT2020 else numbers.primaries
        numbers = ColorNumbers(primaries, gamma=SCREEN_GAMMA)
    return replace(picture, icc_profile=numbers.profile())


def _in_ordinary_range(signal: Tensor, numbers: ColorNumbers) -> Tensor:
    if numbers.is_narrow:
        signal = ((signal * 255 - 16) / 219).clamp(0, 1)
    if not numbers.hdr:
        return signal
    primaries = numbers.primaries if isinstance(numbers.primaries, int) else BT709
    return tone_map(signal.permute(1, 2, 0), numbers.transfer, primaries).permute(2, 0, 1)


@lru_cache
def _make_profile(points: Chromaticities, *curves: bytes) -> bytes | None:
    """An ICC profile, version 4.3; none if no colors have such chromaticities."""
    try:
        return _pack_profile(to_d50(points), _adapt(*points[6:]), curves)
    except (ArithmeticError, np.linalg.LinAlgError, struct.error, ValueError):
        return None


def to_d50(points: Chromaticities) -> npt.NDArray[np.float64]:
    """The matrix (3, 3) from linear RGB to XYZ, seen in D50, of x and y of colors and white.

    Raises ``LinAlgError`` or ``ArithmeticError`` if no colors have such chromaticities.
    """
    x, y = np.array(points[::2]), np.array(points[1::2])
    *_, white = xyz = np.stack([x, y, 1 - x - y], axis=1)
    shares = np.linalg.solve(xyz[:3].T, white / points[7])
    matrix: npt.NDArray[np.float64] = _adapt(*points[6:]) @ (xyz[:3].T * shares)
    return matrix


def _adapt(x: float, y: float) -> npt.NDArray[np.float64]:
    """Bradford's matrix from a white to D50."""
    gains = (_BRADFORD @ D50) / (_BRADFORD @ (x / y, 1, (1 - x - y) / y))
    adaptation: npt.NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ (gains[:, None] * _BRADFORD)
    return adaptation


def _pack_curve(curve: tuple[float, ...]) -> bytes:
    return b"para" + struct.pack(">4xHH", 0 if len(curve) == 1 else 3, 0) + _fixed(*curve)


def _pack_table(table: tuple[int, ...]) -> bytes:
    sampled = table[:: max(1, (len(table) - 1) // _LONGEST_TABLE)]
    return b"curv" + struct.pack(f">4xI{len(sampled)}H", len(sampled), *sampled)


def _pack_profile(
    matrix: npt.NDArray[np.float64],
    adaptation: npt.NDArray[np.float64],
    curves: tuple[bytes, ...],
) -> bytes:
    """``curves``: one for all channels, or three."""
    tags = {
        b"desc": _text("RGB by numbers"),
        b"cprt": _text("CC0"),
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(*D50),
        b"chad": b"sf32\0\0\0\0" + _fixed(*adaptation.ravel()),
        **{name: b"XYZ \0\0\0\0" + _fixed(*matrix[:, i]) for i, name in enumerate(_COLORANTS)},
        **dict(zip(_CURVE_TAGS, cycle(curves), strict=False)),
    }
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI12s6H4s28x", start + len(body), 0x04300000, *_HEAD, b"acsp")
    return (head + _fixed(*D50)).ljust(128, b"\0") + table + body


_COLORANTS, _CURVE_TAGS = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")
_HEAD = (b"mntrRGB XYZ ", 2024, 1, 1, 0, 0, 0)


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(encoded), 28) + encoded
