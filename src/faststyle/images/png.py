"""PNG files, opened whatever metadata they hold, in bounded memory.

Pillow refuses a file for a long text, an invalid profile, or a wrong checksum of these. libpng, and
so most viewers, ignore them.
"""

import struct
import zlib
from typing import IO

from PIL import Image, PngImagePlugin

from faststyle.images.color_numbers import ColorNumbers
from faststyle.images.samples import SampledFile, Samples

_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
#: Chunks that do not change the pixels of the first frame.
_COLORS = {b"cICP", b"iCCP", b"gAMA", b"cHRM", b"sRGB"}
_BESIDE = _TEXTS | _COLORS | {b"eXIf", b"pHYs", b"bKGD", b"tIME", b"acTL"}
#: Chunks that may hold EXIF, the orientation, or what else a picture says of itself.
_EXIF = _TEXTS | {b"eXIf"}
#: The most bytes of all texts together, or of a profile, when decompressed.
_LONGEST = 32 * 2**20
_NOT_KNOWN = (2, 2)  # primaries and transfer function
_FIRST_CHUNK = 8  # its offset in the file


class PngFile(SampledFile, PngImagePlugin.PngImageFile):
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

    def read_samples(self, file: IO[bytes]) -> Samples:
        """Decode a file of 16 bits a channel by libpng; a transparent color becomes alpha."""
        import imagecodecs

        values = imagecodecs.png_decode(file.read()).reshape(self.height, self.width, -1)
        return Samples(values, "RGB" if values.shape[2] > 2 else "L", values.shape[2] in (2, 4))

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
                own = {b"iCCP": self._profile, b"cICP": self._cicp}.get(cid)
                return super().call(cid, pos, length) if own is None else own(length)
            except (AttributeError, OSError, EOFError):  # unknown to Pillow; the file ends
                raise
            except Exception:  # of many kinds
                self.fp.seek(start)
        return self.fp.read(length)

    def _cicp(self, length: int) -> bytes:
        """Read colors by numbers, unless these say that they are not known."""
        data = self.fp.read(length)
        primaries, transfer, _, is_full = data
        if (primaries, transfer) != _NOT_KNOWN:
            numbers = ColorNumbers(primaries, transfer, is_narrow=not is_full)
            self.im_info["cicp"] = numbers
        return data

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
