"""BMP files: what the headers of versions 4 and 5 say of colors, which Pillow does not read."""

import math
import struct
from typing import IO

from PIL import BmpImagePlugin, ImageFile

from faststyle.images.color_numbers import D65, ColorNumbers

_FILE_HEADER, _V4, _V5 = 14, 108, 124  # bytes
_KIND, _PROFILE = 56, 112  # where they stand in the header
_CALIBRATED, _EMBEDDED = 0, int.from_bytes(b"MBED")
_NEAR = 0.01
_GAMMAS = 0.2, 8.0  # others are mistakes
_STEPS = 255


def open_bmp(file: IO[bytes], name: str) -> ImageFile.ImageFile:
    """Pillow's image of a BMP file, whose ``info`` has its profile, or its colors by numbers."""
    image = BmpImagePlugin.BmpImageFile(file, name)
    _read_colors(image, file, _FILE_HEADER)
    return image


def open_dib(file: IO[bytes], name: str) -> ImageFile.ImageFile:
    """As :func:`open_bmp`, of a file without the header of BMP files."""
    image = BmpImagePlugin.DibImageFile(file, name)
    _read_colors(image, file, 0)
    return image


def _read_colors(image: ImageFile.ImageFile, file: IO[bytes], start: int) -> None:
    file.seek(start)
    header = file.read(_V5)
    [size] = struct.unpack_from("<I", header)
    if size < _V4 or len(header) < _V4:
        return
    [kind] = struct.unpack_from("<I", header, _KIND)
    if kind == _CALIBRATED:
        if numbers := _read_numbers(header):
            image.info["cicp"] = numbers
    elif kind == _EMBEDDED and size >= _V5 and len(header) == _V5:
        place, length = struct.unpack_from("<II", header, _PROFILE)
        file.seek(start + place)
        image.info["icc_profile"] = file.read(length)


def _read_numbers(header: bytes) -> ColorNumbers | None:
    """X, Y and Z of red, green and blue, or x, y and z; and a gamma of each."""
    units = struct.unpack_from("<9I3I", header, _KIND + 4)
    values = [unit / 2**30 for unit in units[:9]]
    endpoints = [values[place : place + 3] for place in (0, 3, 6)]
    sums = [sum(endpoint) for endpoint in endpoints]
    if min(sums) <= 0:
        return None
    points = [side / total for end, total in zip(endpoints, sums, strict=True) for side in end[:2]]
    white = [sum(sides) / sum(sums) for sides in zip(*endpoints, strict=True)]
    is_xyz = max(abs(total - 1) for total in sums) > _NEAR
    primaries = (*points, *(white[:2] if is_xyz else D65))
    gammas = [unit / 2**16 for unit in units[9:]]
    gammas = [1 / gamma if 0 < gamma < 1 else gamma for gamma in gammas]
    if not all(_GAMMAS[0] < gamma < _GAMMAS[1] for gamma in gammas):
        return ColorNumbers(primaries)
    if len(set(gammas)) == 1:
        return ColorNumbers(primaries, gamma=gammas[0])
    tables = (tuple(_light(step, gamma) for step in range(_STEPS + 1)) for gamma in gammas)
    return ColorNumbers(primaries, tables=tuple(tables))


def _light(step: int, gamma: float) -> int:
    return round(65535 * math.pow(step / _STEPS, gamma))
