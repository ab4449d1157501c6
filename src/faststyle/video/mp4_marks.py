"""Marks of two views and of 360 degrees in MP4 and MOV, which PyAV has no way to write.

They are boxes (Google's Spherical Video V2) in what says how the film is encoded.
"""

import struct
from pathlib import Path

from faststyle.images.boxes import each_box, find_box

_ROAD = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_ONE_BY_ONE = 8  # bytes of stsd before its boxes
_VERSION = bytes(4)
#: How two views are packed, by Matroska's number: side by side, and the left one above.
_STEREO = {1: 2, 3: 1}
#: Projections, by Matroska's number, and the bytes that describe them.
_PROJECTIONS = {1: (b"equi", 20), 2: (b"cbmp", 12)}


def stereo_box(packing: int) -> bytes:
    """The box of two views in a frame, by Matroska's number; nothing if there is none for it."""
    return _box(b"st3d", _VERSION, bytes((_STEREO[packing],))) if packing in _STEREO else b""


def spherical_box(projection: int, description: bytes, pose: tuple[float, float, float]) -> bytes:
    """The box of a projection, by Matroska's number; nothing if there is none for it.

    ``pose``: yaw, pitch and roll in degrees.
    """
    kind, size = _PROJECTIONS.get(projection, (b"", 0))
    if not kind:
        return b""
    angles = struct.pack(">3i", *(round(angle * 65536) for angle in pose))
    described = _box(kind, description if len(description) == size else bytes(size))
    return _box(
        b"sv3d",
        _box(b"svhd", _VERSION, b"\0"),  # of no name
        _box(b"proj", _box(b"prhd", _VERSION, angles), described),
    )


def add_boxes(path: Path, boxes: bytes) -> None:
    """Add boxes to the film of a finished file, whose last box is ``moov``, as FFmpeg writes it."""
    with path.open("r+b") as file:
        place = 0
        while (head := file.read(16)) and head[4:8] != b"moov":
            length, _, long = struct.unpack(">I4sQ", head)
            place += long if length == 1 else length
            file.seek(place)
        file.seek(place)
        whole = _with_boxes(file.read(), _ROAD, boxes)
        file.seek(place)
        file.write(whole)


def _with_boxes(data: bytes, road: tuple[bytes, ...], added: bytes) -> bytes:
    found = []
    for kind, content in each_box(data):
        is_other = kind != road[0] or (kind == b"trak" and not _is_film(content))
        if is_other:
            found.append(_box(kind, content))
        elif road[1:]:
            found.append(_box(kind, _with_boxes(content, road[1:], added)))
        else:
            entries = each_box(content[_ONE_BY_ONE:])
            grown = [_box(name, entry, added) for name, entry in entries]
            found.append(_box(kind, content[:_ONE_BY_ONE], *grown))
    return b"".join(found)


def _is_film(track: bytes) -> bool:
    return find_box(find_box(track, b"mdia"), b"hdlr")[8:12] == b"vide"


def _box(kind: bytes, *contents: bytes) -> bytes:
    inside = b"".join(contents)
    return struct.pack(">I4s", 8 + len(inside), kind) + inside
