"""Files of 16 bits a channel, written by others than faststyle."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

Samples = npt.NDArray[np.uint16]

_COLORS = {1: 0, 2: 4, 3: 2, 4: 6}  # a PNG's number for so many channels


def samples(channels: int, height: int = 40, width: int = 56) -> Samples:
    """Every value is as likely: (H, W, C)."""
    shape = (height, width, channels)
    return np.random.default_rng(channels).integers(0, 65536, shape).astype(np.uint16)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Of a PNG."""
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(values: Samples, before: bytes = b"", after: bytes = b"") -> bytes:
    """(H, W, C) as a PNG by hand, with other chunks before and after the pixels."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, _COLORS[channels], 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            before,
            chunk(b"IDAT", zlib.compress(rows)),
            after,
            chunk(b"IEND", b""),
        )
    )


def tiff(values: Samples, **options: Any) -> bytes:
    """(H, W, C) as a TIFF by tifffile, alpha being the second or the fourth channel."""
    channels = values.shape[2]
    given: dict[str, Any] = {"photometric": "rgb" if channels > 2 else "minisblack"}
    if channels in (2, 4):
        given |= {"extrasamples": ["unassalpha"], "planarconfig": "contig"}
    given |= options
    if given.get("planarconfig") == "separate":
        values = np.moveaxis(values, -1, 0)
    file = io.BytesIO()
    tifffile.imwrite(file, values[..., 0] if channels == 1 else values, metadata=None, **given)
    return file.getvalue()


def photo(path: Path, channels: int = 3, height: int = 40, width: int = 56) -> Samples:
    """Write a PNG or a TIFF, and return its samples."""
    values = samples(channels, height, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(values) if path.suffix == ".png" else tiff(values))
    return values
