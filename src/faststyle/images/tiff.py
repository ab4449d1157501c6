"""TIFF files: what Pillow decodes right, by their tags, and what is a camera's raw file."""

import logging
import math
from contextlib import suppress
from typing import IO, Any

import numpy as np
from PIL import TiffImagePlugin

from faststyle.images.color_numbers import D65, ColorNumbers
from faststyle.images.hdr import BT709
from faststyle.images.samples import SampledFile, Samples, to_full_range

# Tags, and values of theirs.
_LIGHT, _WHITE, _PRIMARIES, _PROFILE = 301, 318, 319, 34675
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
CHANNELS, PLANES, EXTRA, KIND = 277, 284, 338, 339
INVERTED, GRAY, RGB, LAB = 0, 1, 2, 8
#: What tifffile gives, by photometric interpretation; that of YCbCr is RGB.
_MODES = {INVERTED: "L", GRAY: "L", RGB: "RGB", 5: "CMYK", 6: "RGB", LAB: "LAB", 9: "LAB"}
#: Interpretations whose numbers are of red, green and blue, or of their gray.
_OF_RGB = {GRAY, RGB, 6}
#: What the standard takes for the transfer function where primaries alone are said.
_GAMMA = 2.2
_PREMULTIPLIED, _STRAIGHT = 1, 2
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_SEPARATE = 2
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330
_REDUCED, _MASK = 1, 4  # bits of the subfile type
#: Compressions of Pillow's: none, fax, LZW, JPEG, Deflate, PackBits, LZMA and Zstandard.
_PILLOWS = {1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32946, 34925, 50000}
_COMPRESSIONS = {
    1: "not compressed",
    5: "LZW",
    **dict.fromkeys((6, 7, 34892), "JPEG"),
    **dict.fromkeys((8, 32946), "Deflate"),
    **dict.fromkeys((33003, 33005, 34712), "JPEG 2000"),
    34887: "LERC",
    34933: "PNG",
    **dict.fromkeys((22610, 34934), "JPEG XR"),
    50000: "Zstandard",
    50001: "WebP",
    **dict.fromkeys((50002, 52546), "JPEG XL"),
}
#: The most pixels of a tile: it may exceed a small picture, and a small file must not ask for
#: gigabytes.
_LARGEST_TILE = 4096 * 4096
_MOST_BYTES = 2**33

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # damage is said in one line


class TiffFile(SampledFile, TiffImagePlugin.TiffImageFile):
    """A TIFF file as Pillow reads it: the first page that is not reduced.

    Kinds that Pillow refuses are opened, too. It cannot decode them; :meth:`read_samples` does.

    Attributes:
        page: the number of the page.
    """

    page = 0
    _is_foreign = False

    @property
    def bit_depth(self) -> int:
        """16 if channels have more than 8 bits, else 8, as for numbers with a sign."""
        tags = self.tag_v2
        is_signed = _SIGNED in tags.get(KIND, ())
        return 16 if max(tags.get(BITS, (1,))) > 8 and not is_signed else 8

    @property
    def encoding(self) -> str:
        """The name of what Pillow refuses, or takes for a negative, for noise, or for black."""
        tags = self.tag_v2
        bits, kinds = tags.get(BITS, (1,)), set(tags.get(KIND, (_UNSIGNED,)))
        compression, color = tags.get(COMPRESSION, 1), tags.get(PHOTOMETRIC, INVERTED)
        is_separate = len(bits) > 1 and tags.get(PLANES) == _SEPARATE
        if max(bits) <= 8:
            is_right = kinds == {_UNSIGNED}
        elif kinds == {_FLOAT}:
            is_right = bits == (32,) and color == GRAY and compression == 1
        else:
            is_usual = set(bits) == {16} and len(bits) in (1, 3, 4) and not is_separate
            is_right = is_usual and color in (GRAY, RGB) and kinds == {_UNSIGNED}
        if is_right and not self._is_foreign and compression in _PILLOWS:
            return ""
        numbers = {_SIGNED: "signed ", _FLOAT: "float "}.get(min(kinds), "")
        packed = _COMPRESSIONS.get(compression, f"compression {compression}")
        planes = ", planar" if is_separate else ""
        return f"TIFF of {len(bits)} x {max(bits)} {numbers}bits{planes} ({packed})"

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height as stored; Pillow's ``size`` may have the orientation applied."""
        return self.tag_v2[WIDTH], self.tag_v2[HEIGHT]

    def is_raw(self) -> bool:
        """Whether this is a camera's raw file, in which Pillow would find a thumbnail."""
        return self._is_camera

    def read_samples(self, file: IO[bytes]) -> Samples:
        """Decode the page. Raises ``KeyError`` for colors that are not known."""
        import tifffile

        with tifffile.TiffFile(file) as whole:
            page = whole.pages[self.page]
            assert isinstance(page, tifffile.TiffPage)
            _check(page, self.stored_size)
            values = page.asarray()
        if "S" in page.axes:
            values = np.moveaxis(values, page.axes.index("S"), -1)
        width, height = self.stored_size
        values = values.reshape(height, width, -1)
        mode = _MODES[page.photometric]
        colors = len(mode)
        chosen = list(range(colors))
        kinds = [int(kind) for kind in page.extrasamples]
        opacity = next((kind for kind in kinds if kind in (_PREMULTIPLIED, _STRAIGHT)), 0)
        if opacity:
            chosen.append(values.shape[2] - len(kinds) + kinds.index(opacity))
        if page.photometric == LAB:  # a and b have a sign
            values[..., 1:3] ^= values.dtype.type(1 << page.bitspersample - 1)
        values = to_full_range(values[..., chosen], page.bitspersample)
        if page.photometric == INVERTED:
            values[..., 0] = np.iinfo(values.dtype).max - values[..., 0]
        return Samples(values, mode, bool(opacity), opacity == _PREMULTIPLIED)

    def _open(self) -> None:
        assert self.fp is not None
        self._is_camera = self.fp.read(10)[8:] == b"CR"
        self.fp.seek(0)
        super()._open()
        tags = self.tag_v2
        is_thumbnail = bool(tags.get(_SUBFILE_TYPE, 0) & _REDUCED)
        self._is_camera |= _DNG_VERSION in tags or (is_thumbnail and _SUB_IFDS in tags)
        if is_thumbnail and not self._is_camera:
            self._find_full_page()

    def _read_numbers(self) -> ColorNumbers | None:
        """Chromaticities and transfer functions of a page; a white alone changes nothing."""
        tags = self.tag_v2
        points, light = tags.get(_PRIMARIES, ()), tags.get(_LIGHT, ())
        if _PROFILE in tags or tags.get(PHOTOMETRIC) not in _OF_RGB or not (points or light):
            return None
        white = tags.get(_WHITE, D65)
        is_whole = len(points) == 6 and len(white) == 2
        primaries = tuple(map(float, (*points, *white))) if is_whole else BT709
        size = 1 << tags.get(BITS, (1,))[0]
        if len(light) not in (size, 3 * size):
            numbers = ColorNumbers(primaries)
            return numbers if numbers.profile() is None else ColorNumbers(primaries, gamma=_GAMMA)
        starts = range(0, len(light), size)
        return ColorNumbers(primaries, tables=tuple(light[at : at + size] for at in starts))

    def _find_full_page(self) -> None:
        with suppress(EOFError):
            for page in range(1, self.n_frames):
                self.seek(page)
                if not self.tag_v2.get(_SUBFILE_TYPE, 0) & (_REDUCED | _MASK):
                    self.page = page
                    return
        self.seek(0)

    def _setup(self) -> None:
        self._is_foreign = False
        try:
            super()._setup()
        except Exception:  # of many kinds
            sides = self.tag_v2.get(WIDTH), self.tag_v2.get(HEIGHT)
            if PHOTOMETRIC not in self.tag_v2 or not all(isinstance(side, int) for side in sides):
                raise
            self._is_foreign = True
            self._mode, self._size, self.tile = "RGB", self.stored_size, []
        self.info.pop("cicp", None)
        with suppress(Exception):  # of many kinds, for odd tags
            if numbers := self._read_numbers():
                self.info["cicp"] = numbers


def _check(page: Any, size: tuple[int, int]) -> None:
    """Raise ``ValueError`` for damage that tifffile passes over, or too much memory."""
    if (page.imagewidth, page.imagelength) != size or page.imagedepth != 1:
        raise ValueError("the size is said twice")
    if page.tilewidth * page.tilelength > _LARGEST_TILE or page.nbytes > _MOST_BYTES:
        raise ValueError("too large")
    if len(page.dataoffsets) < math.prod(page.chunked):
        raise ValueError("parts are missing")
