"""How files of pictures are read and written; options of clips are in ``faststyle.video``."""

from dataclasses import dataclass
from typing import Annotated

from faststyle.core.limits import InRange, OneOf, Options


@dataclass(frozen=True)
class ReadOptions(Options):
    """What of files of pictures is handed to the renderer.

    Args:
        timeout: after so many seconds of decoding a picture is named and passed over.
        protect: ``faces`` to let much of the photo stay in faces (:mod:`faststyle.files.faces`).
        batch_size: how many pictures of one size are stylized together.
    """

    timeout: Annotated[float, "seconds to decode a picture", InRange(0.001)] = 300.0
    protect: Annotated[str | None, "pictures: less style in faces", OneOf(("faces",))] = None
    batch_size: Annotated[int, "pictures of one size at once", InRange(1)] = 1


@dataclass(frozen=True)
class WriteOptions(Options):
    """How results are encoded.

    Args:
        quality: of JPEG, WebP, AVIF and clips, from 1 to 100; none is 95 for pictures, and for
            clips what looks lossless, about 65.
        lossless: of WebP: keep every pixel, whatever the quality.
        bit_depth: of a channel: 8; 16 in PNG and TIFF files; or 10 in clips, which then keep high
            dynamic range. None is that of the photo, and 8 in clips.
        metadata: ``keep`` what photos say of themselves (:mod:`faststyle.images.metadata`), or
            ``none``.
    """

    quality: Annotated[int | None, "JPEG, WebP, clips: 1 to 100", InRange(1, 100)] = None
    lossless: Annotated[bool, "WebP: keep every pixel"] = False
    bit_depth: Annotated[
        int | None,
        "PNG, TIFF: 16; default: the photo's; clips: 10 keeps high dynamic range",
        OneOf((8, 10, 16)),
    ] = None
    metadata: Annotated[
        str, "date, author, rights, resolution, panorama; never the place", OneOf(("keep", "none"))
    ] = "keep"
