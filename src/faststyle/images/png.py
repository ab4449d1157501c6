"""What a PNG holds beside its pixels is no reason to refuse it, and fills no memory.

Pillow gives up a file for a text that is too long, a profile that is odd, or a checksum of these;
libpng, as viewers use it, passes them over.
"""

from PIL import PngImagePlugin

_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
#: Chunks without which the pixels of the first frame are the same.
_BESIDE = _TEXTS | {b"iCCP", b"eXIf", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"bKGD", b"tIME", b"acTL"}
#: What a text or a profile may come to, in bytes; text can be compressed.
_LONGEST = 32 * 2**20


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
                return super().call(cid, pos, length)
            except (AttributeError, OSError, EOFError):  # not known to Pillow; the file ends
                raise
            except Exception:  # Pillow trips over them in a dozen ways
                self.fp.seek(start)
        return self.fp.read(length)

    def crc(self, cid: bytes, data: bytes) -> None:
        if cid in _BESIDE:
            self.crc_skip(cid, data)
        else:
            super().crc(cid, data)


def read_leniently() -> None:
    """Let Pillow read all PNG files of this process so."""
    PngImagePlugin.MAX_TEXT_CHUNK = _LONGEST
    PngImagePlugin.PngStream = _Stream  # type: ignore[misc]
