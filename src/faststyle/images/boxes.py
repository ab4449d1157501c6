"""Files of boxes (ISO/IEC 14496-12 and 15444-1): colors and depths that Pillow does not pass on."""

import io
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

import numpy as np
from PIL import Jpeg2KImagePlugin

from faststyle.core.errors import UserError
from faststyle.images.color_numbers import ColorNumbers
from faststyle.images.samples import SampledFile, Samples, to_full_range

_FULL = 4  # bytes of version and flags
#: ROMM RGB (ISO 22028-2).
_ROMM = ColorNumbers((0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, 0.3457, 0.3585), gamma=1.8)
_ENUMERATED = {21: _ROMM}
#: Besides: what is not said, bilevel, CMYK, sRGB, gray and sYCC, which decoders convert.
_KNOWN = {0, 12, 15, 16, 17, 18, *_ENUMERATED}
_CODESTREAM, _DEPTHS = b"\xff\x4f\xff\x51", 40  # where the depths are in it


class Jp2File(SampledFile, Jpeg2KImagePlugin.Jpeg2KImageFile):
    """A JPEG 2000 file, whose ``info`` has its profile, or its colors by numbers.

    Attributes:
        depths: bits of each channel; negative, if its values have a sign.
    """

    def _open(self) -> None:
        assert self.fp is not None
        super()._open()
        self.fp.seek(0)
        content = self.fp.read()
        start = max(0, content.find(_CODESTREAM)) + _DEPTHS
        [count] = struct.unpack_from(">H", content, start)
        sizes = content[start + 2 : start + 2 + 3 * count : 3]
        self.depths = [-(size & 127) - 1 if size & 128 else size + 1 for size in sizes]
        self._kind = 0
        header = find_box(content, b"jp2h")
        for kind, data in each_box(header):
            if kind == b"colr" and self._read_colors(data):
                break

    def _read_colors(self, data: bytes) -> bool:
        """Whether a color box is one that can be read."""
        method, content = data[0], data[3:]
        if method in (2, 3):
            self.info["icc_profile"] = content
        elif method == 5:
            self.info["nclx_profile"] = read_nclx(content)
        elif method == 1:
            [self._kind] = struct.unpack_from(">I", content)
            if self._kind in _ENUMERATED:
                self.info["cicp"] = _ENUMERATED[self._kind]
        return method in (1, 2, 3, 5)

    @property
    def bit_depth(self) -> int:
        """Bits of a channel as it is read: 8 or 16."""
        return 16 if max(map(abs, self.depths)) > 8 else 8

    @property
    def encoding(self) -> str:
        """What Pillow gets wrong: it rounds up the largest numbers, of which nothing is left."""
        if self._kind not in _KNOWN:
            return f"JPEG 2000 with colors of kind {self._kind}"
        is_right = self.mode == "I;16" or self.bit_depth == 8
        return "" if is_right else f"JPEG 2000 of {max(map(abs, self.depths))} bits"

    def read_samples(self, file: IO[bytes]) -> Samples:
        """Decode by OpenJPEG. Raises ``UserError`` for colors that it does not convert."""
        import imagecodecs

        if self._kind not in _KNOWN:
            raise UserError(f"{self.encoding}, which are not read: convert it to PNG first")
        values = imagecodecs.jpeg2k_decode(file.read())
        values = values.reshape(*values.shape[:2], -1)
        depths = np.array(self.depths)
        if (depths < 0).any():
            values = (values + np.where(depths < 0, 2 ** (np.abs(depths) - 1), 0)).astype(np.uint32)
        mode = "CMYK" if self.mode == "CMYK" else "RGB" if values.shape[2] > 2 else "L"
        has_alpha = values.shape[2] in (2, 4) and mode != "CMYK"
        return Samples(to_full_range(values, np.abs(depths)), mode, has_alpha)


def each_box(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each box; a length that is none ends them."""
    start = 0
    while start + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if length == 1:
            [length], head = struct.unpack_from(">Q", data, start + 8), 16
        end = start + length if length else len(data)
        if end < start + head:
            return
        yield kind, data[start + head : end]
        start = end


def find_box(data: bytes, wanted: bytes) -> bytes:
    """The content of the first box of a kind; nothing if there is none."""
    return next((content for kind, content in each_box(data) if kind == wanted), b"")


def read_nclx(data: bytes) -> dict[str, int]:
    """The ``nclx_profile`` of a color box."""
    return _numbers(*struct.unpack_from(">HH", data))


def _numbers(primaries: int, transfer: int) -> dict[str, int]:
    return {"color_primaries": primaries, "transfer_characteristics": transfer}


def primary_properties(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of what a HEIF file says of its primary picture.

    There may be others, of alpha and of gain maps.
    """
    meta = find_box(data, b"meta")[_FULL:]
    primary, properties = find_box(meta, b"pitm"), find_box(meta, b"iprp")
    [number] = struct.unpack_from(">H" if primary[:1] == b"\0" else ">I", primary, _FULL)
    held = list(each_box(find_box(properties, b"ipco")))
    return [held[i - 1] for i in _properties_of(number, properties) if 0 < i <= len(held)]


def bitstream_colors(content: bytes) -> dict[str, int] | None:
    """The ``nclx_profile`` of AV1 or HEVC in a HEIF file itself; none if PyAV is not installed."""
    try:
        import av
    except ImportError:
        return None
    with suppress(av.FFmpegError, IndexError), av.open(io.BytesIO(content)) as container:
        context = container.streams.video[0].codec_context
        return _numbers(context.color_primaries, context.color_trc)
    return None


def _properties_of(number: int, properties: bytes) -> Iterator[int]:
    """The places, from 1 on, of what is said of an item."""
    for kind, data in each_box(properties):
        if kind != b"ipma":
            continue
        item, place = (">H" if data[0] == 0 else ">I"), (">H" if data[3] & 1 else ">B")
        [count] = struct.unpack_from(">I", data, _FULL)
        start = _FULL + 4
        for _ in range(count):
            [found] = struct.unpack_from(item, data, start)
            start += struct.calcsize(item)
            [several], start = struct.unpack_from(">B", data, start), start + 1
            end = start + several * struct.calcsize(place)
            if found == number:
                for [each] in struct.iter_unpack(place, data[start:end]):
                    yield each & (0x7FFF if place == ">H" else 0x7F)
            start = end
