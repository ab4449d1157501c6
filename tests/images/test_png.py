"""Of a PNG the pixels count, whatever stands beside them."""

import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.images import high_bit_depth
from faststyle.images.files import load_picture, load_picture_bytes
from faststyle.images.probe import probe

_HEADER = 33  # bytes, up to the end of the first chunk
_END = 12  # bytes, of the last one
MEGABYTE = 2**20


def _chunk(kind: bytes, data: bytes, checksum: int | None = None) -> bytes:
    crc = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def _zeros(megabytes: int) -> bytes:
    packer = zlib.compressobj()
    parts = [packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)]
    return b"".join([*parts, packer.flush()])


def _text(kind: bytes, key: bytes, megabytes: int) -> bytes:
    if kind == b"tEXt":
        return _chunk(kind, key + b"\0" + b"a" * megabytes * MEGABYTE)
    start = b"\0\0" if kind in (b"zTXt", b"iCCP") else b"\0\1\0\0\0"
    return _chunk(kind, key + start + _zeros(megabytes))


def _write(path: Path, chunks: bytes, at_end: bool = False, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    image = Image.fromarray(values)
    if mode == "I;16":
        image = Image.fromarray(values[..., 0].astype(np.uint16) * 257)
    image.save(path)
    content = path.read_bytes()
    at = len(content) - _END if at_end else _HEADER
    path.write_bytes(content[:at] + chunks + content[at:])
    return image


def _check(path: Path, image: Image.Image) -> None:
    found = load_picture_bytes(path).pixels.permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(found, np.asarray(image))


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP"])
def test_a_text_or_profile_of_any_length_is_passed_over(
    tmp_path: Path, kind: bytes, at_end: bool
) -> None:
    _check(tmp_path / "a.png", _write(tmp_path / "a.png", _text(kind, b"Comment", 70), at_end))


def test_many_texts_fill_no_memory(tmp_path: Path) -> None:
    chunks = b"".join(_text(b"zTXt", b"Comment%d" % number, 30) for number in range(20))
    image = _write(tmp_path / "a.png", chunks)
    tracemalloc.start()
    _check(tmp_path / "a.png", image)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 * MEGABYTE


@pytest.mark.parametrize(
    "chunk",
    [
        _chunk(b"zTXt", b"Comment\0\5xxxx"),
        _chunk(b"iCCP", b"profile"),
        _chunk(b"iCCP", b"profile\0\3xxxx"),
        _chunk(b"gAMA", b"\0"),
        _chunk(b"cHRM", b"\0" * 7),
        _chunk(b"pHYs", b""),
        _chunk(b"eXIf", b"nonsense"),
        _chunk(b"tEXt", b"Comment\0text", checksum=1),
        _chunk(b"acTL", b"\0\0"),
        _chunk(b"zzZz", b"unknown"),
    ],
)
def test_odd_chunks_are_passed_over(tmp_path: Path, chunk: bytes) -> None:
    _check(tmp_path / "a.png", _write(tmp_path / "a.png", chunk))


def test_a_checksum_of_the_pixels_counts_on(tmp_path: Path) -> None:
    _write(tmp_path / "a.png", b"")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[_HEADER - 1] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png"):
        load_picture_bytes(tmp_path / "a.png")


@pytest.mark.skipif(not high_bit_depth.is_installed(), reason="the extra depth is not installed")
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP"])
def test_pictures_of_16_bits_are_read_with_long_texts_too(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.png"
    image = _write(path, _text(kind, b"Comment", 70), mode="I;16")
    found = load_picture(path)
    assert found.bit_depth == 16
    np.testing.assert_allclose(found.pixels[0].numpy() * 65535, np.asarray(image), atol=0.01)


def test_frames_of_an_animation_are_counted_behind_a_long_text(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    path = tmp_path / "a.png"
    first.save(path, save_all=True, append_images=[second])
    content = path.read_bytes()
    path.write_bytes(content[:_HEADER] + _text(b"zTXt", b"Comment", 70) + content[_HEADER:])
    assert probe(path).frames == 2
