import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from faststyle.core.errors import UserError
from faststyle.images.files import load_picture, save_picture
from faststyle.images.pixels import Picture, resize, shrink

RED_GREEN = np.array([[[255, 0, 0], [0, 255, 0]]], dtype=np.uint8)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def test_pixels_are_rgb_float_in_unit_range_channels_first(tmp_path: Path) -> None:
    Image.fromarray(RED_GREEN).save(tmp_path / "a.png")
    picture = load_picture(tmp_path / "a.png")
    assert picture.pixels.dtype == torch.float32
    expected = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 0.0]]])
    assert torch.equal(picture.pixels, expected)
    assert picture.alpha is None


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter: the stored row is a column
    Image.fromarray(RED_GREEN).save(tmp_path / "a.png", exif=exif)
    pixels = load_picture(tmp_path / "a.png").pixels
    assert pixels.shape == (3, 2, 1)
    assert pixels[:, 0, 0].tolist() == [1, 0, 0]


def _exif(*tags: tuple[int, int, bytes]) -> bytes:
    """EXIF of one value each: tag, type and four bytes."""
    entries = b"".join(struct.pack("<HHL4s", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize(
    "odd",
    [
        (0x0100, 8, struct.pack("<l", -3)),  # a width below 0
        (0x011A, 2, b"abc"),  # a resolution that is a text
        (0x8769, 9, struct.pack("<l", -4)),  # more tags, before the file
    ],
)
def test_a_photo_is_turned_upright_though_another_tag_is_odd(
    tmp_path: Path, suffix: str, odd: tuple[int, int, bytes]
) -> None:
    turned = (0x0112, 3, b"\6\0\0\0")
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (6, 4)).save(path, exif=b"Exif\0\0" + _exif(*sorted((odd, turned))))
    assert load_picture(path).pixels.shape == (3, 6, 4)


@pytest.mark.parametrize("odd", [(700, 3, b"\1\0\0\0"), (0x8769, 9, struct.pack("<l", -9))])
def test_a_tiff_is_read_though_a_tag_of_its_description_is_odd(
    tmp_path: Path, odd: tuple[int, int, bytes]
) -> None:
    def short(tag: int, value: int) -> tuple[int, int, bytes]:
        return tag, 3, struct.pack("<L", value)

    tags = [short(256, 3), short(257, 1), short(258, 8), short(259, 1), short(262, 1)]
    tags += [short(273, 500), short(277, 1), short(278, 1), short(279, 3), odd]
    (tmp_path / "a.tif").write_bytes(_exif(*sorted(tags)).ljust(500, b"\0") + b"\0\x80\xff")
    assert load_picture(tmp_path / "a.tif").pixels[0, 0].mul(255).tolist() == [0, 128, 255]


def test_nothing_is_printed_of_odd_tags(tmp_path: Path) -> None:
    Image.new("RGB", (6, 4)).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + _exif()[:9])
    program = "import sys, pathlib; from faststyle.images.files import load_picture;"
    program += "load_picture(pathlib.Path(sys.argv[1]))"
    words = [sys.executable, "-c", program, str(tmp_path / "a.jpg")]
    assert subprocess.run(words, check=True, capture_output=True).stderr == b""


def test_alpha_is_carried_through_a_png(tmp_path: Path) -> None:
    rgba = np.array([[[10, 20, 30, 0], [40, 50, 60, 128]]], dtype=np.uint8)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    save_picture(load_picture(tmp_path / "a.png"), tmp_path / "b.png")
    assert np.array_equal(np.array(Image.open(tmp_path / "b.png")), rgba)


def test_transparency_is_laid_on_white_where_the_format_has_none(tmp_path: Path) -> None:
    clear = Picture(torch.zeros(3, 8, 8), torch.zeros(1, 8, 8))
    save_picture(clear, tmp_path / "a.jpg")
    assert np.array(Image.open(tmp_path / "a.jpg")).min() == 255


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_icc_profile_is_kept(tmp_path: Path, suffix: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = tmp_path / f"a{suffix}"
    Image.new("RGB", (8, 8)).save(source, icc_profile=profile)
    save_picture(load_picture(source), tmp_path / f"b{suffix}")
    assert Image.open(tmp_path / f"b{suffix}").info["icc_profile"] == profile


def test_a_gif_has_colors_of_its_own_and_keeps_what_is_transparent(tmp_path: Path) -> None:
    pixels = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0)) / 10
    pixels += torch.linspace(0, 0.9, 32)
    alpha = torch.zeros(1, 32, 32)
    alpha[..., 8:] = 1
    save_picture(Picture(pixels, alpha), tmp_path / "a.gif")
    found = load_picture(tmp_path / "a.gif")
    assert found.alpha is not None
    assert torch.equal(found.alpha, alpha)
    assert (found.pixels - pixels)[..., 8:].abs().mean() < 0.03


def test_avif_keeps_transparency_and_the_better_the_quality_the_more(tmp_path: Path) -> None:
    pixels = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    alpha = torch.linspace(0.1, 1, 32).expand(1, 32, 32)
    errors = []
    for quality in (30, 95):
        save_picture(Picture(pixels, alpha), tmp_path / "a.avif", quality)
        found = load_picture(tmp_path / "a.avif")
        errors.append((found.pixels - pixels).abs().mean())
        assert found.alpha is not None
        assert (found.alpha - alpha).abs().max() < 0.1
    assert errors[1] < errors[0]


@pytest.mark.parametrize("suffix", [".gif", ".bmp"])
def test_colors_of_a_profile_are_converted_where_the_format_holds_none(
    tmp_path: Path, suffix: str
) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")
    red = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1).expand(3, 8, 8)
    save_picture(Picture(red, icc_profile=swapped), tmp_path / f"a{suffix}")
    green = load_picture(tmp_path / f"a{suffix}").pixels
    assert green[:, 0, 0].tolist() == pytest.approx([0, 1, 0], abs=0.02)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "1", "YCbCr"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    suffix = ".jpg" if mode in ("CMYK", "YCbCr") else ".png"
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (16, 16), (255, 255, 255)).convert(mode).save(path)
    pixels = load_picture(path).pixels
    assert pixels.shape == (3, 16, 16)
    assert pixels.min() > 0.98


def test_sixteen_bit_grayscale_keeps_its_range(tmp_path: Path) -> None:
    values = np.array([[0, 32768, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    pixels = load_picture(tmp_path / "a.png").pixels
    assert pixels[0, 0].tolist() == pytest.approx([0, 0.5, 1], abs=1 / 255)


def test_palette_transparency_becomes_alpha(tmp_path: Path) -> None:
    image = Image.fromarray(RED_GREEN).convert("P")
    image.save(tmp_path / "a.png", transparency=image.getpixel((0, 0)))
    alpha = load_picture(tmp_path / "a.png").alpha
    assert alpha is not None
    assert alpha[0, 0].tolist() == [0, 1]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 60))
def test_resize_gives_the_short_side_asked_for(height: int, width: int, size: int) -> None:
    scaled = resize(torch.rand(3, height, width), size)
    assert min(scaled.shape[1:]) == size
    assert scaled.min() >= 0
    assert scaled.max() <= 1


def test_shrinking_never_enlarges() -> None:
    pixels = torch.rand(3, 20, 30)
    assert shrink(pixels, 10).shape == (3, 10, 15)
    assert torch.equal(shrink(pixels, 40), pixels)


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", b""))
    with pytest.raises(UserError, match="too large a picture"):
        load_picture(bomb)


def test_a_picture_above_the_limit_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="20 x 20 is too large"):
        load_picture(tmp_path / "a.png", max_pixels=399)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    Image.effect_noise((64, 64), 50).convert("RGB").save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    cases = {"empty.jpg": b"", "text.jpg": b"hello", "cut.jpg": whole[: len(whole) // 2]}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=name):
            load_picture(tmp_path / name)
    for name in ("absent.jpg", "."):
        with pytest.raises(UserError):
            load_picture(tmp_path / name)


def test_an_unknown_suffix_is_refused_before_writing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.jpg"):
        save_picture(Picture(torch.zeros(3, 2, 2)), tmp_path / "a.xyz")
    assert not list(tmp_path.iterdir())
