"""What a container says of its frames, and FFmpeg tells nobody: crop, stereo, 360 degrees.

FFmpeg writes all of it into Matroska. So a header is written for the stream, and read here.
"""

import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import av
from av.sidedata.sidedata import Type
from av.video.stream import VideoStream

from faststyle.video.mp4_marks import spherical_box

#: Elements of Matroska (RFC 9559): those that others are in, and those that are looked for.
_SEGMENT, _TRACKS, _TRACK, _VIDEO, _PROJECTION = 0x18538067, 0x1654AE6B, 0xAE, 0xE0, 0x7670
_EXTENSION = 0x41E4
_MASTERS = (_SEGMENT, _TRACKS, _TRACK, _VIDEO, _PROJECTION, _EXTENSION)
_TOP, _BOTTOM, _LEFT, _RIGHT = 0x54BB, 0x54AA, 0x54CC, 0x54DD
_SIDE_BY_SIDE, _TOP_BOTTOM = 1, 2  # FFmpeg's AVStereo3DType
_STEREO, _PROJECTION_TYPE, _EXTENSION_DATA = 0x53B8, 0x7671, 0x41ED
_PROJECTION_DATA, _POSE = 0x7672, (0x7673, 0x7674, 0x7675)


@dataclass(frozen=True)
class Marks:
    """What one stream says.

    Args:
        crop: rows and columns of the stored frames that are shown.
        stereo: Matroska's number of how two views are packed in a frame; 0 is one view.
        is_spherical: whether frames are a projection of what is around.
        spherical: the box that says so in MP4, if there is one.
        dolby_vision: the profile of Dolby Vision; 0 is none.
    """

    crop: tuple[slice, slice] = (slice(None), slice(None))
    stereo: int = 0
    is_spherical: bool = False
    spherical: bytes = b""
    dolby_vision: int = 0


def read_marks(stream: VideoStream) -> Marks:
    """The marks of a stream of an opened file; none if FFmpeg cannot write it into Matroska."""
    file = BytesIO()
    try:
        with av.open(file, "w", format="matroska") as container:
            container.add_stream_from_template(stream, opaque=True)
            container.start_encoding()
    except (ValueError, av.FFmpegError):
        return Marks()
    found = dict(_elements(file.getvalue()))
    top, bottom, left, right = (
        int.from_bytes(found.get(each, b"")) for each in (_TOP, _BOTTOM, _LEFT, _RIGHT)
    )
    context = stream.codec_context
    is_whole = top + bottom >= context.height or left + right >= context.width  # nothing is left
    rows, columns = slice(top, -bottom or None), slice(left, -right or None)
    extension = found.get(_EXTENSION_DATA, b"")
    return Marks(
        crop=Marks.crop if is_whole else (rows, columns),
        stereo=int.from_bytes(found.get(_STEREO, b"")),
        is_spherical=_PROJECTION_TYPE in found,
        spherical=_spherical(found),
        dolby_vision=extension[2] >> 1 if len(extension) > 2 else 0,
    )


def _spherical(found: Mapping[int, bytes]) -> bytes:
    projection = int.from_bytes(found.get(_PROJECTION_TYPE, b""))
    yaw, pitch, roll = (_float(found.get(each, b"")) for each in _POSE)
    return spherical_box(projection, found.get(_PROJECTION_DATA, b""), (yaw, pitch, roll))


def _float(data: bytes) -> float:
    [value] = struct.unpack({4: ">f", 8: ">d"}[len(data)], data) if data else (0.0,)
    return float(value)


def stereo_of(decoded: av.VideoFrame) -> int:
    """As :attr:`Marks.stereo`, of a frame that says so itself; of two ways of packing."""
    kind = int.from_bytes(find_side_data(decoded, Type.STEREO3D)[:4], sys.byteorder)
    return {_SIDE_BY_SIDE: 1, _TOP_BOTTOM: 3}.get(kind, 0)


def find_side_data(decoded: av.VideoFrame, kind: Type) -> bytes:
    """What is said beside a frame; nothing also where a kind is among it that PyAV does not know.

    FFmpeg 8 puts the EXIF of JPEG frames there.
    """
    side_data: Any = {}
    with suppress(ValueError):
        side_data = decoded.side_data
    found = side_data.get(kind)
    return b"" if found is None else bytes(found)


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Identifiers and contents, also of what is in others."""
    place = 0
    while place < len(data):
        length = 9 - data[place].bit_length()
        identifier = int.from_bytes(data[place : place + length])
        place += length
        length = 9 - data[place].bit_length()
        size = int.from_bytes(data[place : place + length]) & ((1 << 7 * length) - 1)
        place += length
        content = data[place : place + size]
        place += size
        yield identifier, content
        if identifier in _MASTERS:
            yield from _elements(content)
