"""AVIF files: colors, depth and crop, which Pillow does not pass on."""

import struct
from contextlib import suppress
from fractions import Fraction
from typing import IO, Any

from PIL import AvifImagePlugin

from faststyle.images.boxes import bitstream_colors, primary_properties, read_nclx
from faststyle.images.samples import SampledFile, Samples, samples_of

_HIGH, _TWELVE = 64, 32  # in the third byte of av1C

Box = tuple[int, int, int, int]


class AvifFile(SampledFile, AvifImagePlugin.AvifImageFile):
    """An AVIF file, whose ``info`` has the ``nclx_profile`` of pillow_heif, too."""

    _bits = 8
    _aperture: Box | None = None

    def _open(self) -> None:
        assert self.fp is not None
        super()._open()
        self.fp.seek(0)
        content = self.fp.read()
        with suppress(struct.error, IndexError):
            for kind, data in primary_properties(content):
                if kind == b"colr" and data.startswith(b"nclx"):
                    self.info.setdefault("nclx_profile", read_nclx(data[4:]))
                elif kind == b"av1C":
                    self._bits = (12 if data[2] & _TWELVE else 10) if data[2] & _HIGH else 8
                elif kind == b"clap" and self.n_frames == 1:
                    self._aperture = _read_crop(data, self.size)
        if not self.info.keys() & {"nclx_profile", "icc_profile"}:
            self.info["nclx_profile"] = bitstream_colors(content)
        self._whole = self.size
        if self._aperture is not None:
            left, top, right, bottom = self._aperture
            self._size = right - left, bottom - top

    def load(self) -> Any:
        """Decode the frame, of which only what is shown is left."""
        if not self.tile or self._aperture is None:
            return super().load()
        shown, self._size = self.size, self._whole
        super().load()
        self.im, self._size = self.im.crop(self._aperture), shown
        return super().load()

    @property
    def bit_depth(self) -> int:
        """Bits of a channel as it is read: 8 or 16."""
        return 16 if self._bits > 8 else 8

    def read_samples(self, file: IO[bytes]) -> Samples:
        """Decode the first picture by libavif."""
        import imagecodecs

        values = imagecodecs.avif_decode(file.read(), index=0)
        if self._aperture is not None:
            left, top, right, bottom = self._aperture
            values = values[top:bottom, left:right]
        return samples_of(values, self._bits)


def _read_crop(data: bytes, size: tuple[int, int]) -> Box | None:
    """Left, top, right and bottom; none if they are not whole pixels of the picture."""
    numbers = struct.unpack(">IIIIiIiI", data)
    if 0 in numbers[1::2]:
        return None
    width, height, *offsets = (Fraction(*pair) for pair in zip(*[iter(numbers)] * 2, strict=True))
    starts = [
        offset + (whole - shown) / 2
        for offset, whole, shown in zip(offsets, size, (width, height), strict=True)
    ]
    edges = (*starts, starts[0] + width, starts[1] + height)
    is_inside = min(edges) >= 0 and edges[2] <= size[0] and edges[3] <= size[1]
    if not is_inside or min(width, height) <= 0 or any(edge.denominator > 1 for edge in edges):
        return None
    left, top, right, bottom = map(int, edges)
    return left, top, right, bottom
