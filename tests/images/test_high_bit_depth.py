"""What has 16 bits a channel keeps them, bit for bit, and what is damaged is named."""

import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms

from faststyle.core.errors import UserError
from faststyle.images import high_bit_depth
from faststyle.images.files import load_picture, load_picture_bytes, save_picture
from faststyle.images.pillow import as_seen
from faststyle.images.pixels import Picture
from faststyle.images.probe import is_ours, probe
from tests.sixteen import Samples, chunk, photo, png, samples, tiff

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RGBA = samples(4)
#: Bytes, and the same of 16 bits.
EIGHT = RGBA.astype(np.uint8)
WIDENED = EIGHT * np.uint16(257)


def read(path: Path) -> Samples:
    """What faststyle reads, as numbers again: (H, W, 3) or (H, W, 4)."""
    picture = load_picture_bytes(path)
    assert picture.bit_depth == 16
    channels = [picture.pixels] if picture.alpha is None else [picture.pixels, picture.alpha]
    numbers = torch.cat(channels).double().mul(65535).round().permute(1, 2, 0).numpy()
    return numbers.astype(np.uint16)


def as_rgb(values: Samples) -> Samples:
    """Gray of (H, W, 1) or (H, W, 2) three times."""
    return values if values.shape[2] > 2 else values[..., [0, 0, 0, 1][: values.shape[2] + 2]]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_every_bit_is_read(tmp_path: Path, suffix: str, channels: int) -> None:
    values = photo(tmp_path / f"a{suffix}", channels)
    assert np.array_equal(read(tmp_path / f"a{suffix}"), as_rgb(values))


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize(
    "options",
    [
        {"rowsperstrip": 7},
        {"tile": (16, 32)},
        {"compression": "lzw", "predictor": True},
        {"compression": "zlib", "tile": (32, 16)},
        {"compression": "deflate", "predictor": True, "rowsperstrip": 11},
        {"compression": "packbits"},
    ],
    ids=lambda options: " ".join(options),
)
def test_every_kind_of_tiff_is_read(
    tmp_path: Path, options: dict[str, Any], planes: str, byteorder: str
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(RGBA, planarconfig=planes, byteorder=byteorder, **options))
    assert np.array_equal(read(path), RGBA)


def test_a_tiff_for_more_than_4_gigabytes_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(RGBA, bigtiff=True))
    assert np.array_equal(read(tmp_path / "a.tif"), RGBA)


def test_black_may_be_the_largest_number_of_a_tiff(tmp_path: Path) -> None:
    values = samples(1)
    (tmp_path / "a.tif").write_bytes(tiff(values, photometric="miniswhite"))
    assert np.array_equal(read(tmp_path / "a.tif"), as_rgb(65535 - values))


def test_a_channel_that_a_tiff_does_not_explain_is_no_alpha(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(RGBA, extrasamples=["unspecified"]))
    assert np.array_equal(read(tmp_path / "a.tif"), RGBA[..., :3])


def test_colors_that_were_multiplied_by_alpha_are_divided_by_it(tmp_path: Path) -> None:
    values = np.array([[[10_000, 20_000, 0, 40_000], [0, 0, 0, 0]]], np.uint16)
    (tmp_path / "a.tif").write_bytes(tiff(values, extrasamples=["assocalpha"]))
    expected = [[[16_384, 32_768, 0, 40_000], [0, 0, 0, 0]]]
    assert read(tmp_path / "a.tif").tolist() == expected


@pytest.mark.parametrize("channels", [1, 3])
def test_the_transparent_color_of_a_png_is_that_color_only(tmp_path: Path, channels: int) -> None:
    values = samples(channels)
    values[3, 4] = values[0, 0] ^ 1
    color = chunk(b"tRNS", values[0, 0].astype(">u2").tobytes())
    (tmp_path / "a.png").write_bytes(png(values, before=color))
    alpha = np.full((*values.shape[:2], 1), 65535, np.uint16)
    alpha[0, 0] = 0
    expected = np.concatenate([values, alpha], axis=2)
    assert np.array_equal(read(tmp_path / "a.png"), as_rgb(expected))


pictures = arrays(
    np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 4]))
)


@given(pictures, st.sampled_from([".png", ".tif", ".tiff"]))
def test_what_is_written_is_read_again_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, values: Samples, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("round") / f"a{suffix}"
    units = torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1) / 65535
    alpha = units[3:] if len(units) == 4 else None
    save_picture(Picture(units[:3], alpha, bit_depth=16), path)
    assert np.array_equal(read(path), values)
    is_png = suffix == ".png"
    other = imagecodecs.png_decode(path.read_bytes()) if is_png else tifffile.imread(path)
    assert np.array_equal(other.reshape(values.shape), values), "others read the same"


def test_bytes_are_widened_without_a_change(tmp_path: Path) -> None:
    levels = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    save_picture(Picture(levels, bit_depth=16), tmp_path / "a.png")
    assert np.array_equal(read(tmp_path / "a.png")[0, :, 0], np.arange(256) * 257)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_profile_and_writer_are_in_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    save_picture(Picture(torch.rand(3, 8, 8), None, SRGB, bit_depth=16), path, kind="sheet")
    assert Image.open(path).info["icc_profile"] == SRGB
    assert load_picture(path).icc_profile == SRGB
    assert is_ours(path, "sheet")


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_png_is_turned_upright_as_one_of_8_bits(
    tmp_path: Path, orientation: int, place: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    tag = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    (tmp_path / "a.png").write_bytes(png(WIDENED, **{place: tag}))
    Image.fromarray(EIGHT).save(tmp_path / "b.png", exif=exif)
    assert torch.equal(*(load_picture(tmp_path / name).pixels for name in ("a.png", "b.png")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_upright_as_one_of_8_bits(tmp_path: Path, orientation: int) -> None:
    tag = [(274, "H", 1, orientation, True)]
    (tmp_path / "a.tif").write_bytes(tiff(WIDENED, extratags=tag))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(EIGHT)
    image.save(tmp_path / "b.tif", exif=exif, compression="tiff_lzw")  # Pillow errs without
    assert torch.equal(*(load_picture(tmp_path / name).pixels for name in ("a.tif", "b.tif")))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_an_orientation_that_is_none_leaves_the_pixels_as_they_lie(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(RGBA, before=chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")))
    assert np.array_equal(read(tmp_path / "a.png"), RGBA)


def _gray_profile(gamma: float) -> bytes:
    profile: bytes = imagecodecs.cms_profile("gray", gamma=gamma)
    return profile


def _profile_chunk(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))


def test_a_profile_of_gray_is_applied_as_at_8_bits(tmp_path: Path) -> None:
    levels: npt.NDArray[np.uint8] = np.arange(256, dtype=np.uint8).reshape(16, 16)
    profile = _gray_profile(1.0)
    Image.fromarray(levels).save(tmp_path / "b.png", icc_profile=profile)
    wide = levels[..., None].astype(np.uint16) * 257
    (tmp_path / "a.png").write_bytes(png(wide, before=_profile_chunk(profile)))
    deep, shallow = (load_picture(tmp_path / name) for name in ("a.png", "b.png"))
    assert deep.icc_profile is None
    assert not np.array_equal(read(tmp_path / "a.png")[..., :1], wide), "it is applied"
    assert (deep.pixels - shallow.pixels).abs().max() < 0.6 / 255


def test_a_profile_of_gray_is_applied_beside_alpha_and_without_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels: npt.NDArray[np.uint8] = np.arange(256, dtype=np.uint8).reshape(16, 16)
    profile = _gray_profile(1.0)
    image = Image.fromarray(levels)
    image.save(tmp_path / "a.png", icc_profile=profile)
    expected = load_picture_bytes(tmp_path / "a.png").pixels
    alpha = image.rotate(90)
    image.putalpha(alpha)
    image.save(tmp_path / "b.png", icc_profile=profile)
    found = load_picture_bytes(tmp_path / "b.png")
    assert torch.equal(found.pixels, expected)
    assert found.alpha is not None
    assert np.array_equal(found.alpha[0], np.asarray(alpha))
    wide = levels[..., None].astype(np.uint16) * 257
    (tmp_path / "c.png").write_bytes(png(wide, before=_profile_chunk(profile)))
    monkeypatch.setattr("faststyle.images.high_bit_depth.is_installed", lambda: False)
    assert torch.equal(load_picture_bytes(tmp_path / "c.png").pixels, expected)


@pytest.mark.parametrize("profile", [b"nonsense", SRGB])
def test_a_profile_that_does_not_fit_gray_is_passed_over(tmp_path: Path, profile: bytes) -> None:
    values = samples(1)
    (tmp_path / "a.png").write_bytes(png(values, before=_profile_chunk(profile)))
    assert np.array_equal(read(tmp_path / "a.png"), as_rgb(values))


def test_other_formats_hold_8_bits(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    for name in ("b.jpg", "b.webp", "b.bmp"):
        save_picture(load_picture(tmp_path / "a.png"), tmp_path / name)
        assert load_picture_bytes(tmp_path / name).pixels.dtype == torch.uint8


def test_a_painting_of_16_bits_is_seen_in_8(tmp_path: Path) -> None:
    values = photo(tmp_path / "a.png")
    seen = as_seen(load_picture_bytes(tmp_path / "a.png"))
    assert seen.dtype == torch.uint8
    assert np.array_equal(seen.permute(1, 2, 0).numpy(), np.round(values / 257))


def test_numbers_with_a_sign_are_read_as_before(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, np.full((8, 8), 300, np.int16), photometric="minisblack")
    assert load_picture_bytes(file).bit_depth == 8


@pytest.mark.parametrize("package", ["imagecodecs", "tifffile"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_without_the_packages_8_bits_are_read_and_16_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str
) -> None:
    path = tmp_path / f"a{suffix}"
    values = photo(path)
    assert high_bit_depth.is_installed()
    monkeypatch.setitem(sys.modules, package, None)
    assert not high_bit_depth.is_installed()
    assert probe(path).bit_depth == 16
    picture = load_picture_bytes(path)
    assert (picture.pixels.dtype, picture.bit_depth) == (torch.uint8, 8)
    assert np.array_equal(picture.pixels.permute(1, 2, 0).numpy(), values >> 8)
    with pytest.raises(UserError, match=r'pip install "faststyle\[depth\]"'):
        save_picture(Picture(torch.rand(3, 8, 8), bit_depth=16), tmp_path / f"b{suffix}")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


WHOLE_PNG, WHOLE_TIFF = png(RGBA), tiff(RGBA, compression="zlib")


def _with_tag(content: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF in which the first value of a tag is another."""
    [start] = struct.unpack_from("<I", content, 4)
    [count] = struct.unpack_from("<H", content, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, entry)[0] == tag:
            kind, _ = struct.unpack_from("<HI", content, entry + 2)
            form = "<H" if kind == 3 else "<I"
            changed = bytearray(content)
            struct.pack_into(form, changed, entry + 8, value)
            return bytes(changed)
    raise KeyError(tag)


DAMAGED = {
    "half.png": WHOLE_PNG[: len(WHOLE_PNG) // 2],
    "bits.png": WHOLE_PNG[:500] + bytes(b ^ 255 for b in WHOLE_PNG[500:520]) + WHOLE_PNG[520:],
    "no_pixels.png": WHOLE_PNG[:33] + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
    "half.tif": tiff(RGBA)[:9000],
    "bits.tif": WHOLE_TIFF[:-200] + bytes(200),
    "bytes_in_strip.tif": _with_tag(WHOLE_TIFF, 279, 40),
    "place_of_strip.tif": _with_tag(WHOLE_TIFF, 273, 2**31),
    "height.tif": _with_tag(WHOLE_TIFF, 257, 4000),
    "channels.tif": _with_tag(WHOLE_TIFF, 277, 3),
    "tile.tif": _with_tag(tiff(RGBA, tile=(16, 16)), 322, 32768),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(DAMAGED[name])
    with pytest.raises(UserError, match=f"^[^\n]*{name} is [^\n]*$"):
        load_picture(tmp_path / name)


def test_a_bomb_of_16_bits_is_refused_by_its_header(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 16, 6, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    (tmp_path / "a.png").write_bytes(signature + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
    (tmp_path / "a.tif").write_bytes(_with_tag(_with_tag(WHOLE_TIFF, 256, 50_000), 257, 50_000))
    for name in ("a.png", "a.tif"):
        with pytest.raises(UserError, match="too large a picture"):
            load_picture(tmp_path / name)


@pytest.fixture
def allocated() -> Iterator[Callable[[], int]]:
    """How many bytes NumPy held at once since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_a_tile_of_gigabytes_is_refused_before_there_is_memory_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tiff(RGBA, tile=(16, 16), compression="zlib")
    for tag in (322, 323):
        content = _with_tag(content, tag, 16384)
    (tmp_path / "a.tif").write_bytes(content)
    decoded: list[Any] = []
    monkeypatch.setattr(imagecodecs, "tiff_decode", lambda *given, **_: decoded.append(given))
    with pytest.raises(UserError, match="truncated or corrupt"):
        load_picture(tmp_path / "a.tif")
    assert not decoded


def _width_twice(content: bytes, width: int) -> bytes:
    """A little-endian TIFF whose directory, now at its end, first says another width."""
    [start] = struct.unpack_from("<I", content, 4)
    [count] = struct.unpack_from("<H", content, start)
    tags = content[start + 2 : start + 2 + 12 * count]
    first = struct.pack("<HHII", 256, 4, 1, width)
    moved = struct.pack("<I", len(content))
    return b"".join(
        (content[:4], moved, content[8:], struct.pack("<H", count + 1), first, tags, bytes(4))
    )


def test_a_file_that_says_its_size_twice_is_refused(
    tmp_path: Path, allocated: Callable[[], int]
) -> None:
    huge = struct.pack(">IIBBBBB", 500_000, 400, 16, 6, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(WHOLE_PNG[:8] + chunk(b"IHDR", huge) + WHOLE_PNG[8:])
    (tmp_path / "a.tif").write_bytes(_width_twice(WHOLE_TIFF, 5_000_000))
    for name in ("a.png", "a.tif"):
        with pytest.raises(UserError, match=name):
            load_picture(tmp_path / name)
    assert allocated() < 50_000_000
