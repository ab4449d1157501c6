"""What is read is decided by what is in a file, and only what Pillow decodes itself."""

import io
import os
from pathlib import Path

import pytest
import torch
from PIL import Image, PngImagePlugin, TiffImagePlugin

from faststyle.core.errors import UserError
from faststyle.files.clip_formats import is_clip
from faststyle.images.files import load_picture, load_picture_bytes, save_picture
from faststyle.images.folders import find_pictures
from faststyle.images.formats import FORMATS, check_fits, hint_of
from faststyle.images.pixels import Picture, quantize
from faststyle.images.probe import is_picture, probe

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 100 100
%%EndComments
0 0 100 100 rectfill
showpage
"""


def test_no_other_program_is_started_for_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "program.jpg"
    path.write_bytes(EPS)
    assert Image.open(io.BytesIO(EPS)).format == "EPS", "Pillow would read it, by Ghostscript"
    with pytest.raises(UserError, match="is not a picture"):
        load_picture(path)
    assert not {"EPS", "WMF", "FITS"} & set(FORMATS)


def test_the_name_of_a_picture_does_not_count(tmp_path: Path) -> None:
    Image.new("RGB", (5, 4)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg_large")
    assert probe(tmp_path / "a.jpg_large").format.name == "PNG"
    assert load_picture(tmp_path / "a.jpg_large").pixels.shape == (3, 4, 5)
    (tmp_path / "text").write_text("hello")
    assert not is_picture(tmp_path / "text")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(UserError, match="a pipe or a device"):
        load_picture(tmp_path / "a.jpg")


@pytest.mark.parametrize("kind", ["dng", "nef"])
def test_a_raw_file_is_not_taken_for_its_thumbnail(tmp_path: Path, kind: str) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if kind == "dng":
        tags[50706] = bytes((1, 4, 0, 0))
    else:
        tags[254] = 1  # a thumbnail
        tags[330] = 8  # where the picture itself would be
    Image.new("RGB", (160, 106)).save(tmp_path / "a.tif", tiffinfo=tags)
    with pytest.raises(UserError, match="a camera's raw file"):
        load_picture(tmp_path / "a.tif")


def test_a_long_text_in_a_png_is_no_reason_to_refuse_it(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 3_000_000, zip=True)
    Image.new("RGB", (5, 4)).save(tmp_path / "a.png", pnginfo=text)
    assert load_picture(tmp_path / "a.png").pixels.shape == (3, 4, 5)


def test_a_large_jpeg_is_decoded_at_a_part_of_its_size(tmp_path: Path) -> None:
    Image.new("RGB", (1600, 1200), (200, 100, 0)).save(tmp_path / "a.jpg")
    with pytest.raises(UserError, match="1600 x 1200 is too large"):
        load_picture(tmp_path / "a.jpg", max_pixels=1_000_000)
    pixels = load_picture(tmp_path / "a.jpg", max_pixels=1_000_000, short_side=300).pixels
    assert pixels.shape == (3, 300, 400)


def test_more_pixels_than_pillow_allows_can_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # it refuses twice as many
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png")
    assert load_picture(tmp_path / "a.png", max_pixels=900).pixels.shape == (3, 30, 30)
    assert Image.MAX_IMAGE_PIXELS == 100, "other users of Pillow keep their limit"


@pytest.mark.parametrize(
    ("name", "size", "fits"),
    [
        ("a.jpg", (10, 65_500), True),
        ("a.jpg", (65_501, 10), False),
        ("a.webp", (16_384, 10), False),
        ("a.png", (70_000, 10), True),
    ],
)
def test_what_a_format_cannot_hold_is_said_before_the_work(
    name: str, size: tuple[int, int], fits: bool
) -> None:
    if fits:
        check_fits(Path(name), *size)
    else:
        with pytest.raises(UserError, match="pixels a side"):
            check_fits(Path(name), *size)


def test_the_frames_of_an_animation_are_counted_and_a_phones_extras_are_not(
    tmp_path: Path,
) -> None:
    first, *more = (Image.new("RGB", (40, 40), (i * 80, 0, 0)) for i in range(3))
    for name, frames in (("a.gif", 3), ("a.tif", 3), ("a.webp", 3), ("a.mpo", 1)):
        first.save(tmp_path / name, save_all=True, append_images=more)
        assert probe(tmp_path / name).frames == frames, name


def test_heic_is_read_where_its_package_is(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif")
    Image.new("RGB", (64, 48), (200, 30, 30)).save(tmp_path / "a.heic")
    pixels = load_picture(tmp_path / "a.heic").pixels
    assert pixels.shape == (3, 48, 64)
    assert pixels[:, 20, 20].tolist() == pytest.approx([200 / 255, 30 / 255, 30 / 255], abs=0.03)


def test_jpeg_xl_is_read_and_written_where_its_plug_in_is(tmp_path: Path) -> None:
    pytest.importorskip("pillow_jxl")
    pixels = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
    picture = Picture(quantize(pixels), quantize(pixels[:1]))
    save_picture(picture, tmp_path / "a.jxl", lossless=True, kind="sheet")
    found = load_picture_bytes(tmp_path / "a.jxl")
    assert torch.equal(found.pixels, picture.pixels)
    assert found.alpha is not None
    assert picture.alpha is not None
    assert torch.equal(found.alpha, picture.alpha)
    assert probe(tmp_path / "a.jxl").is_ours("sheet")


@pytest.mark.skipif(FORMATS["JXL"].is_available, reason="the plug-in is installed")
def test_a_jpeg_xl_file_is_named_with_its_hint_where_the_plug_in_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.jxl").write_bytes(b"\xff\x0a")
    with pytest.raises(UserError, match="is a JPEG XL picture: pip install pillow-jxl-plugin"):
        load_picture(tmp_path / "a.jxl")
    with pytest.raises(UserError, match=r"cannot write .*a\.jxl: use one of \.avif, \.bmp"):
        save_picture(Picture(torch.zeros(3, 4, 4)), tmp_path / "a.jxl")


def test_formats_that_are_not_read_are_named_with_what_to_do() -> None:
    assert hint_of(".NEF") == "a camera's raw file: develop it to JPEG or TIFF first"
    assert hint_of(".psd") == "in a format that is not read: convert it to PNG first"
    assert hint_of(".jpg") is None
    assert hint_of(".txt") is None
    assert hint_of(".pdf") == "a document: export its pages as PNG first"


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\xff\x0a", "JPEG XL picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL picture"),
        (b"II\xbc\x01", "in a format that is not read"),
        (b"%PDF-1.7", "a document"),
        (b"\0\0\0\x18ftyphevc", "a sequence of HEIC pictures"),
    ],
)
def test_what_is_not_read_is_named_by_its_beginning_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes, said: str
) -> None:
    monkeypatch.setitem(vars(FORMATS["JXL"]), "is_available", False)
    (tmp_path / "picture").write_bytes(start + bytes(40))
    assert not is_clip(tmp_path / "picture")
    with pytest.raises(UserError, match=f"is .*{said}"):
        load_picture(tmp_path / "picture")


@pytest.mark.parametrize("ending", [".jxr", ".pdf", ".heics", ".PSB"])
def test_what_is_not_read_is_counted_in_a_folder_and_named_alone(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(b"II\xbc\x01" + bytes(40))
    assert find_pictures(tmp_path).foreign == {ending.lower(): 1}
    assert not is_clip(path)
    with pytest.raises(UserError, match="first"):
        load_picture(path)
