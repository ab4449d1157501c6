"""Matrix, range, transfer function and primaries of a clip's colors, decided in one place."""

from collections.abc import Collection
from typing import NamedTuple

from faststyle.core.errors import UserError
from faststyle.files.clip_formats import SAYS_ALL
from faststyle.images.hdr import BT709, BT2020, HDR

#: FFmpeg's numbers of ranges, and of matrices and primaries.
LIMITED, FULL = 1, 2
UNSPECIFIED, YCGCO = 2, 8
_BT470BG, _BT601, _SMPTE240M, _DERIVED = 5, 6, 7, 12
#: Primaries of screens with more colors: BT.2020, and P3 of cinemas and of displays.
WIDE = (BT2020, 11, 12)
_RESERVED = (0, 3)
_WIDTH_OF_HD, _HEIGHT_OF_SD = 1280, 576

#: Those that are computed with: FFmpeg numbers them one way in files (AVColorSpace) and another in
#: conversion.
MATRICES = {BT709: 1, 4: 4, _BT470BG: 5, _BT601: 5, _SMPTE240M: 7, BT2020: 9}
#: Those that every file knows which knows any.
WRITTEN = frozenset(MATRICES) - {4}
#: The matrices that follow from primaries.
_OF_PRIMARIES = {BT709: BT709, _BT601: _SMPTE240M, _SMPTE240M: _SMPTE240M, BT2020: BT2020}
IPT_C2 = "IPT-C2 (Dolby Vision profile 5)"
_NOT_LINEAR = {
    10: "BT.2020 with constant luminance",
    11: "SMPTE ST 2085",
    _DERIVED: "a matrix of unusual primaries",
    13: "constant luminance of unusual primaries",
    14: "ICtCp",
    15: IPT_C2,
    16: "YCgCo-Re",
    17: "YCgCo-Ro",
}


class Colors(NamedTuple):
    """FFmpeg's numbers (AVColorSpace, AVColorRange and so on)."""

    matrix: int = UNSPECIFIED
    range: int = 0
    transfer: int = UNSPECIFIED
    primaries: int = UNSPECIFIED


def complete(stated: Colors, size: tuple[int, int], says: Collection[str] = SAYS_ALL) -> Colors:
    """What frames of a size (H, W) are converted with and tagged as.

    What is not ``stated`` is what players take such frames for: BT.709 in HD, BT.601 below. A file
    that ``says`` no matrix is read so in any case, and one that says no range as limited.

    Raises ``UserError`` for colors that are not linear in R'G'B' and not computed with.
    """
    matrix, range_, transfer, primaries = stated
    is_wide = transfer in HDR or BT2020 in (matrix, primaries)
    if primaries in (*_RESERVED, UNSPECIFIED):
        primaries = BT2020 if is_wide else _usual_primaries(size)
    if transfer in (*_RESERVED, UNSPECIFIED):
        transfer = BT709
    if matrix == _DERIVED:
        matrix = _OF_PRIMARIES.get(primaries, _DERIVED)
    if matrix in (*_RESERVED, UNSPECIFIED) or "matrix" not in says:
        matrix = BT709 if _is_hd(size) else _BT601
        matrix = BT2020 if is_wide and "matrix" in says else matrix
    if matrix not in (*MATRICES, YCGCO):
        name = _NOT_LINEAR.get(matrix, f"matrix {matrix}")
        raise UserError(f"its colors are stored as {name}, which is not read")
    is_full = range_ == FULL and "range" in says
    return Colors(matrix, FULL if is_full else LIMITED, transfer, primaries)


def _is_hd(size: tuple[int, int]) -> bool:
    """As mpv and others tell it."""
    return size[1] >= _WIDTH_OF_HD or size[0] > _HEIGHT_OF_SD


def _usual_primaries(size: tuple[int, int]) -> int:
    """Of broadcasts of that size; else those of most screens."""
    return {576: _BT470BG, 480: _BT601, 486: _BT601}.get(0 if _is_hd(size) else size[0], BT709)
