"""JPEG files of more than 8 bits, which Pillow refuses."""

import io
import struct
from typing import IO

from PIL import ImageFile, JpegImagePlugin

from faststyle.images.samples import SampledFile, Samples, to_full_range

_MARKERS_ALONE = range(0xD0, 0xDA)
#: Of frames: those that say depth and size.
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def open_jpeg(file: IO[bytes], name: str) -> ImageFile.ImageFile:
    """Pillow's image of a JPEG file, or one of more than 8 bits. Raises as Pillow does."""
    try:
        return JpegImagePlugin.jpeg_factory(file, name)
    except SyntaxError:
        file.seek(0)
        return HighBitDepthJpegFile(file, name)


class HighBitDepthJpegFile(SampledFile, JpegImagePlugin.JpegImageFile):
    """A JPEG file of 9 to 16 bits, whose header Pillow reads as one of 8 bits."""

    _bits = 8

    @property
    def bit_depth(self) -> int:
        """Bits of a channel as it is read."""
        return 16

    @property
    def encoding(self) -> str:
        """What it is called."""
        return f"JPEG of {self._bits} bits"

    def read_samples(self, file: IO[bytes]) -> Samples:
        """Decode by libjpeg-turbo, to RGB where there are three channels."""
        import imagecodecs

        values = imagecodecs.jpeg8_decode(file.read()).reshape(self.height, self.width, -1)
        values = to_full_range(values, self._bits)
        if self.mode == "CMYK" and "adobe" in self.info:
            values = 65535 - values
        return Samples(values, self.mode)

    def _open(self) -> None:
        assert self.fp is not None
        original = self.fp
        content = bytearray(original.read())
        place = _find_depth(content)
        self._bits, content[place] = content[place], 8
        if self._bits == 8:
            raise SyntaxError("Pillow refuses it for another reason")
        self.fp = io.BytesIO(content)
        try:
            super()._open()
        finally:
            self.fp, self.tile = original, []


def _find_depth(content: bytes | bytearray) -> int:
    """Where the bits of a channel stand. Raises ``SyntaxError`` if they do not."""
    place = 2
    while place + 4 < len(content):
        mark, kind, length = struct.unpack_from(">BBH", content, place)
        if mark != 0xFF:
            break
        if kind in _FRAMES:
            return place + 4
        place += 1 if kind == 0xFF else 2 if kind in _MARKERS_ALONE else 2 + length
    raise SyntaxError("there is no picture in it")
