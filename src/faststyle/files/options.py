"""How files of pictures are read and written; options of clips are in ``faststyle.video``."""

from dataclasses import dataclass

from faststyle.core.options import Options, option


@dataclass(frozen=True)
class ReadOptions(Options):
    """What of files of pictures is handed to the renderer.

    Args:
        protect: ``faces`` to let much of the photo stay in faces (:mod:`faststyle.files.faces`).
        batch_size: how many pictures of one size are stylized together.
    """

    protect: str | None = option(None, "pictures: less style in faces", choices=("faces",))
    batch_size: int = option(1, "pictures of one size at once", low=1)


@dataclass(frozen=True)
class WriteOptions(Options):
    """How results are encoded.

    Args:
        quality: of JPEG, WebP, AVIF and clips, from 1 to 100; none is 95 for pictures, and for
            clips what looks lossless, about 65.
        lossless: of WebP: keep every pixel, whatever the quality.
        bit_depth: of a channel: 8; 16 in PNG and TIFF files; or 10 in clips, which then keep high
            dynamic range. None is that of the photo, and 8 in clips.
    """

    quality: int | None = option(None, "JPEG, WebP, clips: 1 to 100", low=1, high=100)
    lossless: bool = option(False, "WebP: keep every pixel")
    bit_depth: int | None = option(
        None,
        "PNG, TIFF: 16; default: the photo's; clips: 10 keeps high dynamic range",
        choices=(8, 10, 16),
    )
