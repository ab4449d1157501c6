"""PNG files: what stands beside the pixels is no reason to refuse one, and fills no memory.

Pillow gives up a file for a text that is too long, a profile that is odd, or a checksum of these;
libpng, as viewers use it, passes them over.
"""

import struct
import zlib

from PIL import Image, PngImagePlugin

_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
#: Chunks without which the pixels of the first frame are the same.
_BESIDE = _TEXTS | {b"iCCP", b"eXIf", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"bKGD", b"tIME", b"acTL"}
_PIXELS = frozenset({b"IDAT", b"fdAT"})
#: Chunks that may hold EXIF, or its orientation.
_EXIF = frozenset({b"eXIf", b"zTXt", b"iTXt"})
#: What texts together, or a profile, may come to, in bytes; both can be compressed.
_LONGEST = 32 * 2**20
_FIRST_CHUNK, _BIT_DEPTH = 8, 24  # their places in the file


class PngFile(PngImagePlugin.PngImageFile):
    """A PNG file that is opened, whatever stands beside its pixels."""

    _stream: "_Stream | None" = None
    _is_searched = False

    @property
    def png(self) -> PngImagePlugin.PngStream | None:
        """The chunks of the file."""
        return self._stream

    @png.setter
    def png(self, stream: PngImagePlugin.PngStream | None) -> None:
        # Pillow has just made one of its own, which has read nothing yet.
        self._stream = None if stream is None else _Stream(stream.fp)  # type: ignore[arg-type]

    @property
    def bit_depth(self) -> int:
        """Bits of a channel as it is read: 8 or 16."""
        return 16 if self._read_at(_BIT_DEPTH, 1) == b"\x10" else 8

    def getexif(self) -> Image.Exif:
        """EXIF, which may stand behind the pixels; Pillow would decode these to get at it."""
        if self.tile and not self._is_searched and "exif" not in self.info:
            self._is_searched = True
            self._search_behind_pixels()
        return Image.Image.getexif(self)

    def _search_behind_pixels(self) -> None:
        assert self.fp is not None
        start, place, is_behind = self.fp.tell(), _FIRST_CHUNK, False
        try:
            while len(header := self._read_at(place, 8)) == 8:
                length, kind = struct.unpack(">I4s", header)
                is_behind |= kind in _PIXELS
                if is_behind and kind in _EXIF and self._stream is not None:
                    self.fp.seek(place + 8)
                    self._stream.call(kind, place + 8, length)
                place += 12 + length
        finally:
            self.fp.seek(start)

    def _read_at(self, place: int, count: int) -> bytes:
        assert self.fp is not None
        start = self.fp.tell()
        self.fp.seek(place)
        content = self.fp.read(count)
        self.fp.seek(start)
        return content


class _Stream(PngImagePlugin.PngStream):
    def call(self, cid: bytes, pos: int, length: int) -> bytes:
        if cid not in _BESIDE:
            return super().call(cid, pos, length)
        assert self.fp is not None
        start = self.fp.tell()
        # Pillow counts texts once it has kept them.
        is_full = self.text_memory >= _LONGEST
        if length <= _LONGEST and not (cid in _TEXTS and is_full):
            try:
                return self._profile(length) if cid == b"iCCP" else super().call(cid, pos, length)
            except (AttributeError, OSError, EOFError):  # not known to Pillow; the file ends
                raise
            except Exception:  # Pillow trips over them in a dozen ways
                self.fp.seek(start)
        return self.fp.read(length)

    def _profile(self, length: int) -> bytes:
        """Keep a color profile, of which Pillow would keep no more than a megabyte."""
        assert self.fp is not None
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
