"""Samples of every depth and format are scaled by their own range, for all that reads pictures."""

import io
import struct
import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from faststyle.core.errors import UserError
from faststyle.data.folder import read_photo
from faststyle.images.files import load_picture_bytes
from faststyle.images.pixels import quantize, to_unit
from faststyle.images.probe import probe

Values = npt.NDArray[Any]
RAMP = np.arange(4096).reshape(64, 64)
#: (H, W, 3), of 8 bits, each channel another.
RGB = np.stack([RAMP >> 4, RAMP >> 5, 255 - (RAMP >> 4)], axis=-1).astype(np.uint8)
WIDE = RGB.astype(np.uint16) * np.uint16(257)


def tiff(values: Values, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, metadata=None, **options)
    return file.getvalue()


def gray(values: Values, **options: Any) -> bytes:
    return tiff(values, photometric="minisblack", **options)


def rgb(values: Values, **options: Any) -> bytes:
    return tiff(values, photometric="rgb", **options)


def jpeg2000(values: Values, bits: int, kind: Any) -> bytes:
    options: dict[str, Any] = {"level": 0, "bitspersample": bits, "codecformat": kind}
    return bytes(imagecodecs.jpeg2k_encode(values.astype(np.uint16), **options))


def bright(values: Values) -> Values:
    """The same with a very bright pixel, infinity, no number, and less than nothing."""
    values = values.copy()
    values.reshape(64, 64, -1)[0, :4] = [[80], [np.inf], [np.nan], [-1]]
    return values


def clipped(values: Values) -> Values:
    values = values.copy()
    values.reshape(64, 64, -1)[0, :4] = [[1], [1], [0], [0]]
    return values


def twelve_bits() -> bytes:
    """Gray of 12 bits, two values in three bytes, which tifffile reads and does not write."""
    file = io.BytesIO()
    packed: Any = imagecodecs.packints_encode(RAMP.astype(np.uint16).ravel(), 12)
    tags: dict[str, Any] = {
        "shape": (64, 64),
        "dtype": np.uint16,
        "bitspersample": 12,
        "rowsperstrip": 64,
    }
    tifffile.imwrite(file, iter([packed]), photometric="minisblack", metadata=None, **tags)
    return file.getvalue()


UNIT, FLOATS = RGB / 255, (RGB / 255).astype(np.float32)
#: What is in a file, and the values that it stands for, (H, W) or (H, W, 3).
FILES: dict[str, tuple[bytes, Values]] = {
    "12 bits.tif": (twelve_bits(), RAMP / 4095),
    "32 bits.tif": (gray(RAMP.astype(np.uint32) * 1_048_832), RAMP / 4095),
    "32 bits inverted.tif": (
        tiff(RAMP.astype(np.uint32) * 1_048_832, photometric="miniswhite"),
        1 - RAMP / 4095,
    ),
    "32 bits rgb.tif": (rgb(RGB.astype(np.uint32) * 16_843_009), UNIT),
    "inverted.tif": (tiff(WIDE[..., 0], photometric="miniswhite"), 1 - UNIT[..., 0]),
    "planar.tif": (rgb(np.moveaxis(WIDE, -1, 0), planarconfig="separate"), UNIT),
    "signed.tif": (gray((RAMP * 8).astype(np.int16)), RAMP * 8 / 32767),
    "half.tif": (rgb(FLOATS.astype(np.float16)), FLOATS.astype(np.float16)),
    "float.tif": (rgb(bright(FLOATS)), clipped(UNIT)),
    "float gray.tif": (gray(bright(FLOATS[..., 0])), clipped(UNIT[..., 0])),
    "float big.tif": (
        gray(bright(FLOATS[..., 0]), compression="zlib", predictor=3, byteorder=">"),
        clipped(UNIT[..., 0]),
    ),
    "double.tif": (rgb(bright(UNIT)), clipped(UNIT)),
    "bands.tif": (rgb(np.concatenate([RGB, RGB], axis=-1), extrasamples=[0, 0, 0]), UNIT),
    "wide bands.tif": (rgb(np.concatenate([WIDE, WIDE], axis=-1), extrasamples=[0] * 3), UNIT),
    "webp.tif": (rgb(RGB, compression="webp", compressionargs={"lossless": True}), UNIT),
    "jxl.tif": (rgb(RGB, compression="jpegxl", compressionargs={"lossless": True}), UNIT),
    "lerc.tif": (rgb(RGB, compression="lerc"), UNIT),
    "jpeg 2000.tif": (rgb(RGB, compression="jpeg2000"), UNIT),
    "png.tif": (rgb(RGB, compression="png"), UNIT),
    "lerc float.tif": (rgb(FLOATS, compression="lerc"), UNIT),
    "16.jpg": (bytes(imagecodecs.jpeg8_encode(WIDE, lossless=True, bitspersample=16)), UNIT),
    **{
        f"{bits} bits.{kind}": (
            jpeg2000((UNIT * (2**bits - 1)).round(), bits, kind),
            (UNIT * (2**bits - 1)).round() / (2**bits - 1),
        )
        for bits in (10, 12, 16)
        for kind in ("jp2", "j2k")
    },
}


@pytest.mark.parametrize("name", FILES)
def test_training_and_stylizing_read_what_the_file_stands_for(tmp_path: Path, name: str) -> None:
    content, expected = FILES[name]
    (tmp_path / name).write_bytes(content)
    picture = load_picture_bytes(tmp_path / name)
    found = to_unit(picture.pixels).permute(1, 2, 0).numpy()
    expected = expected if expected.ndim == 3 else expected[..., None]
    least = 65535 if picture.bit_depth == 16 else 255
    assert np.abs(found - expected).max() <= 0.51 / least
    assert torch.equal(read_photo(tmp_path / name, 8), quantize(picture.pixels))


def test_a_jpeg_of_12_bits_is_read(tmp_path: Path) -> None:
    content = imagecodecs.jpeg8_encode((WIDE >> 4), 98, bitspersample=12)
    (tmp_path / "a.jpg").write_bytes(content)
    picture = load_picture_bytes(tmp_path / "a.jpg")
    assert picture.bit_depth == 16
    assert np.abs(picture.pixels.permute(1, 2, 0).numpy() - UNIT).max() < 0.02


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_of_a_jpeg_2000_is_scaled_too(tmp_path: Path, bits: int, channels: int) -> None:
    values = np.full((16, 16, channels), 2**bits - 1, np.uint16)
    content = imagecodecs.jpeg2k_encode(values, level=0, bitspersample=bits)
    (tmp_path / "a.jp2").write_bytes(content)
    picture = load_picture_bytes(tmp_path / "a.jp2")
    assert picture.pixels.min() == 1
    assert picture.alpha is not None
    assert picture.alpha.min() == 1


def _by_lcms(lab: tuple[float, float, float]) -> list[int]:
    """L, a and b in sRGB, of 8 bits, of which Pillow stores a and b above 128."""
    levels = tuple(round(value) for value in (lab[0] * 2.55, lab[1] + 128, lab[2] + 128))
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    packed = Image.new("LAB", (1, 1), levels)
    image = ImageCms.profileToProfile(packed, *profiles, outputMode="RGB")
    assert image is not None
    return list(image.getpixel((0, 0)))  # type: ignore[arg-type]


@pytest.mark.parametrize("lab", [(100, 0, 0), (60, 30, 20), (40, -10, -15), (0, 0, 0)])
def test_lab_of_16_bits_is_what_lcms_makes_of_it(
    tmp_path: Path, lab: tuple[float, float, float]
) -> None:
    values = np.empty((8, 8, 3), np.uint16)
    values[:] = [round(lab[0] * 655.35), *((round(v * 256) % 65536) for v in lab[1:])]
    (tmp_path / "a.tif").write_bytes(tiff(values, photometric="cielab"))
    found = quantize(load_picture_bytes(tmp_path / "a.tif").pixels)[:, 0, 0].tolist()
    assert found == pytest.approx(_by_lcms(lab), abs=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_cmyk_with_alpha_is_read(tmp_path: Path, dtype: type) -> None:
    values: Values = np.empty((8, 8, 5), dtype)
    values[:] = np.array([0.2, 0.4, 0.0, 0.2, 0.6]) * np.iinfo(dtype).max
    content = tiff(values, photometric="separated", extrasamples=["unassalpha"])
    (tmp_path / "a.tif").write_bytes(content)
    picture = load_picture_bytes(tmp_path / "a.tif").as_floats()
    assert picture.pixels[:, 0, 0].tolist() == pytest.approx([0.64, 0.48, 0.8], abs=0.005)
    assert picture.alpha is not None
    assert picture.alpha[0, 0, 0].item() == pytest.approx(0.6, abs=0.005)


@pytest.mark.parametrize("values", [RGB, WIDE])
def test_a_reduced_first_page_is_not_the_picture(tmp_path: Path, values: Values) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(values[::8, ::8].copy(), photometric="rgb", subfiletype=1, metadata=None)
        file.write(values, photometric="rgb", metadata=None)
    picture = load_picture_bytes(tmp_path / "a.tif")
    assert np.array_equal(quantize(picture.pixels).permute(1, 2, 0).numpy(), RGB)
    assert probe(tmp_path / "a.tif").frames == 1


#: What Pillow alone reads right.
ALONE = {"float gray.tif", "bands.tif"}


@pytest.mark.parametrize("name", FILES)
def test_without_the_extra_what_cannot_be_read_right_is_named_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    content, expected = FILES[name]
    (tmp_path / name).write_bytes(content)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    if name in ALONE:
        found = to_unit(load_picture_bytes(tmp_path / name).pixels).permute(1, 2, 0).numpy()
        assert np.abs(found - expected.reshape(64, 64, -1)).max() <= 1 / 255
        return
    for read in (load_picture_bytes, lambda path: read_photo(path, 8)):
        with pytest.raises(UserError, match=r'is (a )?[TJ].* pip install "faststyle\[depth\]"'):
            read(tmp_path / name)


def many_bits(kind: str, bits: int, channels: int) -> tuple[bytes, Values]:
    """A picture of 10 or 12 bits without loss, and its values."""
    values = np.stack([RAMP, RAMP[::-1], 4095 - RAMP, RAMP.T][:channels], axis=-1) >> (12 - bits)
    values = values.astype(np.uint16)
    if kind == "avif":
        options: dict[str, Any] = {"pixelformat": "444", "bitspersample": bits, "matrix": 0}
        return bytes(imagecodecs.avif_encode(values, 100, **options)), values
    pillow_heif = pytest.importorskip("pillow_heif")
    mode = "RGB;16" if channels == 3 else "RGBA;16"
    wide = (values << np.uint16(16 - bits)).tobytes()
    image = pillow_heif.from_bytes(mode, (64, 64), wide)
    file = io.BytesIO()
    image.save(file, quality=-1, matrix_coefficients=0, chroma=444)
    return file.getvalue(), values


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(("kind", "bits"), [("avif", 10), ("avif", 12), ("heic", 10)])
def test_more_than_8_bits_of_avif_and_heic_are_kept(
    tmp_path: Path, kind: str, bits: int, channels: int
) -> None:
    content, values = many_bits(kind, bits, channels)
    (tmp_path / "a").write_bytes(content)
    assert probe(tmp_path / "a").bit_depth == 16
    picture = load_picture_bytes(tmp_path / "a")
    parts = [picture.pixels] if picture.alpha is None else [picture.pixels, picture.alpha]
    found = torch.cat(parts).permute(1, 2, 0).numpy() * (2**bits - 1)
    assert np.abs(found - values).max() < 0.1


def test_avif_and_heic_of_10_bits_are_read_as_8_without_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {kind: many_bits(kind, 10, 3) for kind in ("avif", "heic")}
    monkeypatch.setattr("faststyle.images.high_bit_depth.is_installed", lambda: False)
    for kind, (content, values) in contents.items():
        (tmp_path / kind).write_bytes(content)
        found = load_picture_bytes(tmp_path / kind).pixels.permute(1, 2, 0).numpy()
        assert np.abs(found - values / 1023 * 255).max() <= 1


def with_crop(content: bytes, numbers: tuple[int, ...]) -> bytes:
    """A clean aperture in place of colors by numbers, and all that comes after it moved."""
    crop = struct.pack(">I4s8i", 40, b"clap", *numbers)
    place = content.index(b"colrnclx") - 4
    [length] = struct.unpack_from(">I", content, place)
    changed = bytearray(content[:place] + crop + content[place + length :])
    more = len(crop) - length
    for name in (b"meta", b"iprp", b"ipco"):
        _add(changed, content.index(name) - 4, more)
    start = content.index(b"iloc") + 8  # of version 0, and 4 bytes for offsets
    [count] = struct.unpack_from(">H", content, start + 2)
    for item in range(count):
        _add(changed, start + 4 + 14 * item + 6, more)
    is_needed = bytes(changed).replace(b"\x01\x02\x83\x04", b"\x01\x02\x83\x84")  # the fourth
    assert is_needed != changed
    return is_needed


def _add(content: bytearray, place: int, more: int) -> None:
    [number] = struct.unpack_from(">I", content, place)
    struct.pack_into(">I", content, place, number + more)


@pytest.mark.parametrize("turned", [1, 6])
def test_what_an_avif_crops_is_not_painted(tmp_path: Path, turned: int) -> None:
    pixels = np.full((32, 64, 3), 255, np.uint8)
    pixels[4:20, 8:40] = (30, 120, 40)
    exif = Image.Exif()
    exif[0x0112] = turned
    options: dict[str, Any] = {"quality": 100, "subsampling": "4:4:4", "exif": exif}
    Image.fromarray(pixels).save(tmp_path / "a.avif", **options)
    content = (tmp_path / "a.avif").read_bytes()
    # 32 x 16, whose center is 8 to the left of that of the picture, and 4 above it
    (tmp_path / "b.avif").write_bytes(with_crop(content, (32, 1, 16, 1, -8, 1, -4, 1)))
    info = probe(tmp_path / "b.avif")
    size = (16, 32) if turned == 1 else (32, 16)
    assert (info.height, info.width) == size
    picture = load_picture_bytes(tmp_path / "b.avif")
    assert picture.size == size
    assert (picture.pixels.float().mean((1, 2)) - torch.tensor([30, 120, 40])).abs().max() < 4
    (tmp_path / "c.avif").write_bytes(with_crop(content, (99, 1, 16, 1, 0, 1, 0, 1)))
    assert sorted(load_picture_bytes(tmp_path / "c.avif").size) == [32, 64]
