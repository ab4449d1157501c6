"""Colors that are said in tags, headers and streams are shown, as by a profile."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from faststyle.images.files import load_picture_bytes, save_picture
from faststyle.images.probe import probe
from tests.images.test_colors import (
    BT709,
    COLOR,
    OF_SRGB,
    P3,
    PIXELS,
    WHITE,
    avif,
    by_formula,
    heic,
    shown,
)

ADOBE = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
EXIF, INTEROPERABILITY, SPACE, ORIENTATION = 0x8769, 0xA005, 0xA001, 0x0112


def with_exif(space: int | None, index: str | None, orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    group: dict[int, Any] = {} if space is None else {SPACE: space}
    if index is not None:
        group[INTEROPERABILITY] = {1: index}
    exif.get_ifd(EXIF).update(group)
    exif[EXIF] = group  # which Pillow wants for a TIFF
    return exif


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif", ".png"])
@pytest.mark.parametrize(("space", "index"), [(2, None), (65535, "R03"), (None, "R03")])
def test_adobe_rgb_that_exif_alone_says_is_shown(
    tmp_path: Path, suffix: str, space: int | None, index: str | None
) -> None:
    exif = with_exif(space, index, 6)
    options: dict[str, Any] = {} if suffix == ".tif" else {"lossless": True, "quality": 100}
    Image.fromarray(PIXELS).save(tmp_path / f"a{suffix}", exif=exif, **options)
    picture = load_picture_bytes(tmp_path / f"a{suffix}")
    assert shown(picture) == pytest.approx(by_formula(ADOBE, [563 / 256]), abs=3)
    save_picture(picture, tmp_path / "b.png")
    found = shown(load_picture_bytes(tmp_path / "b.png"))
    assert found == pytest.approx(by_formula(ADOBE, [563 / 256]), abs=3)


@pytest.mark.parametrize(("space", "index"), [(1, "R03"), (1, None), (65535, None), (2, "R98")])
def test_other_color_spaces_of_exif_are_srgb_but_for_that_number(
    tmp_path: Path, space: int, index: str | None
) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", exif=with_exif(space, index))
    is_adobe = load_picture_bytes(tmp_path / "a.jpg").icc_profile is not None
    assert is_adobe is (space == 2)


def test_a_profile_counts_more_than_exif(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(PIXELS)
    image.save(tmp_path / "a.jpg", exif=with_exif(2, None), icc_profile=profile)
    assert load_picture_bytes(tmp_path / "a.jpg").icc_profile == profile


def rationals(*values: float) -> list[int]:
    return [part for value in values for part in (round(value * 10_000), 10_000)]


def tiff(path: Path, bits: int = 8, light: float = 0.0, /, **points: tuple[float, ...]) -> Path:
    tags: list[Any] = []
    if light:
        size = 1 << bits
        table = [round(65535 * (step / (size - 1)) ** light) for step in range(size)]
        tags.append((301, 3, 3 * size, table * 3, True))
    for tag, name in ((318, "white"), (319, "primaries")):
        if name in points:
            tags.append((tag, 5, len(points[name]), rationals(*points[name]), True))
    pixels = PIXELS if bits == 8 else PIXELS.astype(np.uint16) * np.uint16(257)
    tifffile.imwrite(path, pixels, photometric="rgb", extratags=tags, metadata=None)
    return path


@pytest.mark.parametrize("bits", [8, 16])
def test_chromaticities_and_tables_of_a_tiff_are_shown(tmp_path: Path, bits: int) -> None:
    clip = tiff(tmp_path / "a.tif", bits, 1.8, white=WHITE, primaries=P3)
    picture = load_picture_bytes(clip)
    assert shown(picture) == pytest.approx(by_formula(P3, [1.8]), abs=2)
    tiff(tmp_path / "b.tif", bits, primaries=P3)
    found = shown(load_picture_bytes(tmp_path / "b.tif"))
    assert found == pytest.approx(by_formula(P3, [2.2]), abs=2)
    tiff(tmp_path / "c.tif", bits, 1.0)
    found = shown(load_picture_bytes(tmp_path / "c.tif"))
    assert found == pytest.approx(by_formula(BT709, [1.0]), abs=2)


@pytest.mark.parametrize(
    "points", [{"white": (0.3457, 0.3585)}, {"primaries": BT709}, {"primaries": (0.0,) * 6}]
)
def test_chromaticities_of_a_tiff_that_say_nothing_change_nothing(
    tmp_path: Path, points: dict[str, Any]
) -> None:
    assert load_picture_bytes(tiff(tmp_path / "a.tif", 8, 0.0, **points)).icc_profile is None


def bmp(kind: bytes, colors: bytes = b"", profile: bytes = b"") -> bytes:
    """A header of version 5 in place of Pillow's, of 40 bytes."""
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "BMP")
    content = file.getvalue()
    pixels = content[54:]
    place = struct.pack("<II", 124 + len(pixels), len(profile))
    header = struct.pack("<I", 124) + content[18:54] + bytes(16)
    header += kind + colors.ljust(48, b"\0") + struct.pack("<I", 4) + place + bytes(4)
    assert len(header) == 124
    start = b"BM" + struct.pack("<IHHI", 138 + len(pixels) + len(profile), 0, 0, 138)
    return start + header + pixels + profile


def endpoints(points: tuple[float, ...], gammas: tuple[float, ...], is_xyz: bool) -> bytes:
    x, y = np.array(points[::2]), np.array(points[1::2])
    columns = np.stack([x, y, 1 - x - y])
    if is_xyz:
        white = np.array([WHITE[0] / WHITE[1], 1, (1 - sum(WHITE)) / WHITE[1]])
        columns = columns * np.linalg.solve(columns, white)
    units = [round(value * 2**30) for value in columns.T.ravel()]
    return struct.pack("<9I3I", *units, *(round(gamma * 65536) for gamma in gammas))


@pytest.mark.parametrize("is_xyz", [True, False])
@pytest.mark.parametrize(
    ("gammas", "expected"), [((1.8,) * 3, [1.8]), ((1 / 1.8,) * 3, [1.8]), ((0,) * 3, OF_SRGB)]
)
def test_endpoints_and_gamma_of_a_bmp_are_shown(
    tmp_path: Path, gammas: tuple[float, ...], expected: list[float], is_xyz: bool
) -> None:
    (tmp_path / "a.bmp").write_bytes(bmp(bytes(4), endpoints(P3, gammas, is_xyz)))
    picture = load_picture_bytes(tmp_path / "a.bmp")
    assert picture.pixels[:, 8, 8].tolist() == list(COLOR)
    assert shown(picture) == pytest.approx(by_formula(P3, expected), abs=2)
    save_picture(picture, tmp_path / "b.bmp")
    found = shown(load_picture_bytes(tmp_path / "b.bmp"))
    assert found == pytest.approx(by_formula(P3, expected), abs=2)


def test_gammas_of_a_bmp_may_differ(tmp_path: Path) -> None:
    (tmp_path / "a.bmp").write_bytes(bmp(bytes(4), endpoints(BT709, (1.0, 1.8, 2.2), True)))
    found = shown(load_picture_bytes(tmp_path / "a.bmp"))
    each = [by_formula(BT709, [gamma])[place] for place, gamma in enumerate((1.0, 1.8, 2.2))]
    assert found == pytest.approx(each, abs=2)


def test_a_profile_in_a_bmp_is_kept(tmp_path: Path) -> None:
    points = [value for x, y in zip(P3[::2], P3[1::2], strict=True) for value in (x, y, 1.0)]
    profile = imagecodecs.cms_profile("rgb", whitepoint=[*WHITE, 1], primaries=points, gamma=1.8)
    (tmp_path / "a.bmp").write_bytes(bmp(b"DEBM", profile=profile))
    assert load_picture_bytes(tmp_path / "a.bmp").icc_profile == profile


@pytest.mark.parametrize("kind", [b"BGRs", b" niW", bytes(4)])
def test_a_bmp_of_srgb_or_of_no_numbers_needs_no_profile(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "a.bmp").write_bytes(bmp(kind))
    assert load_picture_bytes(tmp_path / "a.bmp").icc_profile is None


@pytest.mark.parametrize("kind", [heic, avif])
def test_colors_that_stand_in_the_pictures_data_alone_are_shown(
    tmp_path: Path, kind: Callable[..., bytes]
) -> None:
    content = kind(12, 13)
    assert b"colrnclx" in content
    (tmp_path / "a").write_bytes(content.replace(b"colrnclx", b"freenclx"))
    found = shown(load_picture_bytes(tmp_path / "a"))
    assert found == pytest.approx(by_formula(P3, OF_SRGB), abs=2)
    (tmp_path / "b").write_bytes(kind(9, 16).replace(b"colrnclx", b"freenclx"))
    assert probe(tmp_path / "b").hdr == "PQ"
