"""A picture file is asked once what it is, and the answer is what decoding finds."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from faststyle.core.errors import UserError
from faststyle.images.files import load_picture_bytes, save_picture
from faststyle.images.pixels import Picture
from faststyle.images.probe import TooLargeError, is_picture, open_image, probe
from tests.sixteen import chunk, png, samples, tiff

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_picture_as_it_is_seen(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (6, 4)).save(path, exif=_exif(orientation))
    info = probe(path)
    assert (3, info.height, info.width) == load_picture_bytes(path).pixels.shape
    assert (info.width, info.height) == ((6, 4) if orientation < 5 else (4, 6))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_told_by_the_header(tmp_path: Path, suffix: str) -> None:
    write = png if suffix == "png" else tiff
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(write(samples(4)))
    assert probe(path).bit_depth == 16
    Image.new("RGB", (6, 4)).save(path)
    assert probe(path).bit_depth == 8


def test_the_pages_of_a_tiff_are_no_animation(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (6, 4), "red"), Image.new("RGB", (6, 4), "blue")
    for name, is_animated in (("a.tif", False), ("a.gif", True), ("a.png", True)):
        first.save(tmp_path / name, save_all=True, append_images=[second])
        info = probe(tmp_path / name)
        assert (info.frames, info.is_animated) == (2, is_animated), name


def test_counting_frames_leaves_the_first_to_be_decoded(tmp_path: Path) -> None:
    first = Image.new("RGB", (6, 4), "red")
    more = [Image.new("RGB", (8, 8), "blue")]
    first.save(tmp_path / "a.tif", save_all=True, append_images=more, icc_profile=SRGB)
    first.save(tmp_path / "a.gif", save_all=True, append_images=more)
    for name in ("a.tif", "a.gif"):
        with open_image(tmp_path / name) as opened:
            assert opened.info.frames == 2
            assert load_picture_bytes(opened).pixels[:, 0, 0].tolist() == [255, 0, 0]


def test_what_follows_a_first_frame_may_be_damaged(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 20, 30, 3), dtype=np.uint8)
    first, *more = map(Image.fromarray, noise)
    first.save(tmp_path / "a.tif", save_all=True, append_images=more)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: len(content) // 2])
    assert probe(tmp_path / "a.tif").frames == 1
    found = load_picture_bytes(tmp_path / "a.tif").pixels.permute(1, 2, 0)
    assert np.array_equal(found, noise[0])


def test_exif_behind_the_pixels_of_a_png_is_found_without_decoding_them(tmp_path: Path) -> None:
    tag = chunk(b"eXIf", _exif(6).tobytes().removeprefix(b"Exif\0\0"))
    whole = png(samples(3, height=40, width=56), after=tag)
    start = whole.index(b"IDAT") + 4
    (tmp_path / "a.png").write_bytes(whole[:start] + bytes(100) + whole[start + 100 :])
    info = probe(tmp_path / "a.png")
    assert (info.orientation, info.width, info.height) == (6, 40, 56)
    with pytest.raises(UserError, match="truncated or corrupt"):
        load_picture_bytes(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "gif", "avif"])
def test_a_file_says_that_faststyle_wrote_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    save_picture(Picture(torch.zeros(3, 8, 8)), path, kind="sheet")
    assert probe(path).is_ours("sheet")
    assert not probe(path).is_ours("other")
    Image.new("RGB", (8, 8)).save(path)
    assert not probe(path).is_ours()


def test_a_probe_fails_as_opening_does(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    for name in ("text.jpg", "absent.jpg", "."):
        with pytest.raises(UserError) as found:
            probe(tmp_path / name)
        with pytest.raises(UserError) as expected:
            open_image(tmp_path / name)
        assert str(found.value) == str(expected.value)
        assert not is_picture(tmp_path / name)


def test_a_picture_of_any_size_is_probed_and_one_too_large_is_not_decoded(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    with open_image(tmp_path / "a.png") as opened:
        assert (opened.info.width, opened.info.height) == (30, 20)
        with pytest.raises(TooLargeError, match="30 x 20 is too large"):
            load_picture_bytes(opened, max_pixels=599)


_OPENED: list[str] = []
_is_counting = False


def _count(event: str, args: tuple[Any, ...]) -> None:
    if _is_counting and event == "open" and isinstance(args[0], str):
        _OPENED.append(args[0])


sys.addaudithook(_count)  # which cannot be removed, and does nothing between tests


@pytest.fixture
def opened_files() -> Iterator[Callable[[], list[str]]]:
    """The files that this process has opened since the test began."""
    global _is_counting
    _OPENED.clear()
    _is_counting = True
    yield lambda: _OPENED
    _is_counting = False


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "deep.png", "deep.tif"])
def test_a_picture_is_opened_once_on_its_whole_way(
    tmp_path: Path, name: str, opened_files: Callable[[], list[str]]
) -> None:
    path = tmp_path / name
    if "deep" in name:
        path.write_bytes((png if path.suffix == ".png" else tiff)(samples(3)))
    else:
        Image.new("RGB", (30, 20)).save(path)
    opened_files().clear()
    with open_image(path) as opened:
        info = opened.info
        assert (info.frames, info.is_ours(), info.format.suffixes[0]) == (1, False, path.suffix)
        picture = load_picture_bytes(opened)
    assert picture.pixels.shape == (3, info.height, info.width)
    assert opened_files().count(str(path)) == 1
