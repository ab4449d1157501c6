"""Boxes put into finished MP4 files, since PyAV writes no others."""

import struct
from collections.abc import Sequence
from pathlib import Path

_ENTRY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
#: Bytes of a box before those inside it, where they are more than eight.
_BEFORE = {b"stsd": 16, b"avc1": 86, b"hvc1": 86}


def box(name: bytes, *contents: bytes) -> bytes:
    inside = b"".join(contents)
    return struct.pack(">I4s", 8 + len(inside), name) + inside


def add_box(path: Path, made: bytes, codec: bytes = b"avc1") -> None:
    """At the end of what says how the first stream is encoded; its film comes before that."""
    data = bytearray(path.read_bytes())
    places = _find(bytes(data), (*_ENTRY, codec), 0, len(data))
    [size] = struct.unpack_from(">I", data, places[-1])
    for place in places:
        [whole] = struct.unpack_from(">I", data, place)
        struct.pack_into(">I", data, place, whole + len(made))
    data[places[-1] + size : places[-1] + size] = made
    path.write_bytes(data)


def _find(data: bytes, names: Sequence[bytes], place: int, end: int) -> list[int]:
    while place < end:
        size, name = struct.unpack_from(">I4s", data, place)
        if name == names[0]:
            inside = place + _BEFORE.get(name, 8)
            deeper = _find(data, names[1:], inside, place + size) if names[1:] else []
            return [place, *deeper]
        place += size
    raise KeyError(names[0])


def cut_beginning(path: Path, seconds: int) -> None:
    """Have the edit lists of all streams begin so much later."""
    data, place = bytearray(path.read_bytes()), -1
    while (place := data.find(b"elst", place + 1)) >= 0:
        shown, begins = struct.unpack_from(">Ii", data, place + 12)
        clock = struct.unpack_from(">I", data, data.find(b"mdhd", place) + 16)[0]
        struct.pack_into(">Ii", data, place + 12, shown - 1000 * seconds, begins + clock * seconds)
    path.write_bytes(data)
