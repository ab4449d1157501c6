"""TIFF files: what Pillow opens, gray with alpha of 16 bits, and no camera's raw files."""

from PIL import TiffImagePlugin

# Tags, and values of theirs.
WIDTH, HEIGHT, BITS, PHOTOMETRIC, EXTRA, KIND = 256, 257, 258, 262, 338, 339
INVERTED, GRAY, RGB = 0, 1, 2
UNKNOWN, PREMULTIPLIED = 0, 1
_UNSIGNED = 1
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330
_REDUCED = 1  # the subfile type of a thumbnail


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF file that is opened.

    Gray with alpha of 16 bits is, too: Pillow neither opens nor decodes it, and
    :mod:`faststyle.images.high_bit_depth` decodes it.
    """

    @property
    def bit_depth(self) -> int:
        """16 if every bit can be kept, else 8: of CMYK, Lab and signed numbers it cannot."""
        tags = self.tag_v2
        is_kept = (
            set(tags.get(BITS, ())) == {16}
            and set(tags.get(KIND, (_UNSIGNED,))) == {_UNSIGNED}
            and tags.get(PHOTOMETRIC) in (INVERTED, GRAY, RGB)
        )
        return 16 if is_kept else 8

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height as the pixels lie in the file, which some versions of Pillow turn."""
        return self.tag_v2[WIDTH], self.tag_v2[HEIGHT]

    @property
    def extra(self) -> int | None:
        """What the first channel after the colors is; none where the file does not say."""
        kinds = self.tag_v2.get(EXTRA, ())
        return kinds[0] if kinds else None

    def is_raw(self) -> bool:
        """Whether this is a camera's raw file, whose picture here is a thumbnail."""
        tags = self.tag_v2
        is_thumbnail = tags.get(_SUBFILE_TYPE) == _REDUCED and _SUB_IFDS in tags
        return _DNG_VERSION in tags or is_thumbnail or self._is_canon

    def _open(self) -> None:
        assert self.fp is not None
        self._is_canon = self.fp.read(10)[8:] == b"CR"
        self.fp.seek(0)
        super()._open()

    def _setup(self) -> None:
        tags = self.tag_v2
        if tags.get(BITS) != (16, 16) or tags.get(PHOTOMETRIC) != GRAY:
            super()._setup()
            return
        tags[BITS] = 8, 8
        try:
            super()._setup()
        finally:
            tags[BITS] = 16, 16
        self.tile = []  # so that Pillow does not decode it
