"""PNG files, opened whatever metadata they hold, in bounded memory.

Pillow refuses a file for a long text, an invalid profile, or a wrong checksum of these. libpng, and
so most viewers, ignore them.
"""

import struct
import zlib
from typing import IO

from PIL import Image, PngImagePlugin

_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
#: Chunks that do not change the pixels of the first frame.
_BESIDE = _TEXTS | {b"iCCP", b"eXIf", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"bKGD", b"tIME", b"acTL"}
#: Chunks that may hold EXIF or the orientation.
_EXIF = frozenset({b"eXIf", b"zTXt", b"iTXt"})
#: The most bytes of all texts together, or of a profile, when decompressed.
_LONGEST = 32 * 2**20
_FIRST_CHUNK = 8  # its offset in the file


class PngFile(PngImagePlugin.PngImageFile):
    """A PNG file that Pillow reads by :class:`_Stream`."""

    fp: IO[bytes]  # none once it is closed, when nothing is read any more
    _stream: "_Stream | None" = None
    _is_searched = False

    @property
    def png(self) -> PngImagePlugin.PngStream | None:
        """The chunks of the file."""
        return self._stream

    @png.setter
    def png(self, stream: PngImagePlugin.PngStream | None) -> None:
        # Pillow sets a stream of its own class, which has read nothing yet.
        self._stream = None if stream is None else _Stream(stream.fp)  # type: ignore[arg-type]

    @property
    def bit_depth(self) -> int:
        """Bits of a channel as it is read: 8 or 16."""
        return 16 if self.tile and str(self.tile[0].args).endswith("16B") else 8

    def getexif(self) -> Image.Exif:
        """EXIF, which may come after the pixels; Pillow would decode these to reach it."""
        if self.tile and not self._is_searched and "exif" not in self.info:
            self._is_searched = True
            self._search_to_the_end()
        return Image.Image.getexif(self)

    def _search_to_the_end(self) -> None:
        assert self._stream is not None
        start, place = self.fp.tell(), _FIRST_CHUNK
        try:
            while self.fp.seek(place) and len(header := self.fp.read(8)) == 8:
                length, kind = struct.unpack(">I4s", header)
                if kind in _EXIF:
                    self._stream.call(kind, place + 8, length)
                place += 12 + length
        finally:
            self.fp.seek(start)


class _Stream(PngImagePlugin.PngStream):
    fp: IO[bytes]

    def call(self, cid: bytes, pos: int, length: int) -> bytes:
        if cid not in _BESIDE:
            return super().call(cid, pos, length)
        start = self.fp.tell()
        # Pillow counts a text after it has kept it.
        is_full = self.text_memory >= _LONGEST
        if length <= _LONGEST and not (cid in _TEXTS and is_full):
            try:
                return self._profile(length) if cid == b"iCCP" else super().call(cid, pos, length)
            except (AttributeError, OSError, EOFError):  # unknown to Pillow; the file ends
                raise
            except Exception:  # of many kinds
                self.fp.seek(start)
        return self.fp.read(length)

    def _profile(self, length: int) -> bytes:
        """Read a color profile; Pillow would keep no more than a megabyte of it."""
        data = self.fp.read(length)
        packed = data[data.index(b"\0") + 2 :]
        unpacker = zlib.decompressobj()
        profile = unpacker.decompress(packed, _LONGEST)
        self.im_info["icc_profile"] = None if unpacker.unconsumed_tail else profile
        return data

    def crc(self, cid: bytes, data: bytes) -> None:
        if cid in _BESIDE:
            self.crc_skip(cid, data)
        else:
            super().crc(cid, data)
