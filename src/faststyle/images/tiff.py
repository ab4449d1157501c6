"""TIFF files: depth, alpha and size by their tags, and how a camera's raw file is recognized."""

from PIL import TiffImagePlugin

# Tags, and values of theirs.
WIDTH, HEIGHT, BITS, PHOTOMETRIC, EXTRA, KIND = 256, 257, 258, 262, 338, 339
INVERTED, GRAY, RGB = 0, 1, 2
UNKNOWN, PREMULTIPLIED = 0, 1
_UNSIGNED = 1
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330
_REDUCED = 1  # the subfile type of a thumbnail


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF file as Pillow reads it.

    Gray with alpha of 16 bits is opened, too, which Pillow refuses. Pillow cannot decode it;
    :mod:`faststyle.images.high_bit_depth` does.
    """

    @property
    def bit_depth(self) -> int:
        """16 if channels have 16 bits that can all be read, else 8, as for CMYK, Lab or signed."""
        tags = self.tag_v2
        is_kept = (
            set(tags.get(BITS, ())) == {16}
            and set(tags.get(KIND, (_UNSIGNED,))) == {_UNSIGNED}
            and tags.get(PHOTOMETRIC) in (INVERTED, GRAY, RGB)
        )
        return 16 if is_kept else 8

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height as stored; Pillow's ``size`` may have the orientation applied."""
        return self.tag_v2[WIDTH], self.tag_v2[HEIGHT]

    @property
    def extra(self) -> int | None:
        """The meaning of the first channel after the colors; none if the file does not say."""
        kinds = self.tag_v2.get(EXTRA, ())
        return kinds[0] if kinds else None

    def is_raw(self) -> bool:
        """Whether this is a camera's raw file, in which Pillow would find a thumbnail."""
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
        self.tile = []  # Pillow has no decoder for 16 bits here
