"""What a file says of its colors by numbers is what a result shows, whichever way it is said."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image, ImageCms

from faststyle.core.errors import UserError
from faststyle.images.files import load_picture_bytes, save_picture
from faststyle.images.hdr import tone_map
from faststyle.images.pixels import Picture, quantize
from faststyle.images.probe import probe
from tests.sixteen import chunk

COLOR = (200, 40, 60)
PIXELS = np.full((16, 16, 3), COLOR, np.uint8)
SRGB = ImageCms.createProfile("sRGB")
#: x and y of red, green and blue, as lcms makes a profile of them itself; white is D65.
P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
BT2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046)
BT709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
WHITE = (0.3127, 0.3290)
TV = [1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081]
OF_SRGB = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]


def png(*chunks: bytes, pixels: npt.NDArray[np.uint8] = PIXELS) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    content = file.getvalue()
    return content[:33] + b"".join(chunks) + content[33:]


def cicp(primaries: int, transfer: int, is_full: int = 1) -> bytes:
    return png(chunk(b"cICP", bytes((primaries, transfer, 0, is_full))))


def heic(primaries: int, transfer: int) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    file = io.BytesIO()
    options = {"color_primaries": primaries, "transfer_characteristics": transfer}
    image = Image.fromarray(PIXELS)
    image.save(file, "HEIF", quality=-1, matrix_coefficients=0, **options)
    return file.getvalue()


def avif(primaries: int, transfer: int) -> bytes:
    options: dict[str, Any] = {"primaries": primaries, "transfer": transfer, "matrix": 0}
    return bytes(imagecodecs.avif_encode(PIXELS, 100, pixelformat="444", **options))


def jp2(primaries: int, transfer: int) -> bytes:
    """The parameterized color box of ISO/IEC 15444-1:2019 in place of OpenJPEG's."""
    return jp2_with(b"\x05\0\0" + struct.pack(">HHHB", primaries, transfer, 0, 128))


def jp2_with(colors: bytes) -> bytes:
    content = imagecodecs.jpeg2k_encode(PIXELS, level=0)
    end = content.index(b"colr") + 11
    header = content.index(b"jp2h")
    grown = struct.pack(">I", len(colors) + 8) + b"colr" + colors
    length = struct.unpack_from(">I", content, header - 4)[0] + len(grown) - 15
    start = content[: header - 4] + struct.pack(">I", length) + content[header : end - 15]
    return bytes(start + grown + content[end:])


def shown(picture: Picture) -> list[int]:
    """The color that a viewer shows on a screen of sRGB, by lcms."""
    image = Image.fromarray(quantize(picture.pixels).permute(1, 2, 0).numpy())
    if picture.icc_profile is not None:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.icc_profile))
        image = ImageCms.profileToProfile(image, profile, SRGB) or image
    return list(image.getpixel((8, 8)))  # type: ignore[arg-type]


def by_formula(points: tuple[float, ...], curve: list[float]) -> list[int]:
    """The color in sRGB, with white as it is, by the formulas of CIE 1931 and IEC 61966-2-1."""
    matrices = []
    for x_y in (points, BT709):
        x, y = np.array(x_y[::2]), np.array(x_y[1::2])
        columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
        white = np.array([WHITE[0] / WHITE[1], 1, (1 - sum(WHITE)) / WHITE[1]])
        matrices.append(columns * np.linalg.solve(columns, white))
    values = np.array(COLOR) / 255
    g, a, b, c, d = curve if len(curve) == 5 else [*curve, 1, 0, 0, 0]
    light = np.where(values >= d, (a * values + b) ** g, c * values)
    linear = np.clip(np.linalg.inv(matrices[1]) @ matrices[0] @ light, 0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return [round(value * 255) for value in srgb]


@pytest.mark.parametrize(
    ("primaries", "transfer", "points", "curve"),
    [(12, 13, P3, OF_SRGB), (9, 14, BT2020, TV), (1, 8, BT709, [1.0]), (1, 4, BT709, [2.2])],
)
@pytest.mark.parametrize("kind", [cicp, heic, avif, jp2])
def test_colors_by_numbers_are_shown_as_the_formulas_say(
    tmp_path: Path,
    kind: Callable[..., bytes],
    primaries: int,
    transfer: int,
    points: tuple[float, ...],
    curve: list[float],
) -> None:
    path = tmp_path / f"a.{getattr(kind, '__name__', '').replace('cicp', 'png')}"
    path.write_bytes(kind(primaries, transfer))
    picture = load_picture_bytes(path)
    assert picture.pixels[:, 8, 8].tolist() == list(COLOR), "the pixels themselves stay"
    assert shown(picture) == pytest.approx(by_formula(points, curve), abs=2)
    for name in ("b.png", "b.jpg", "b.tif", "b.webp", "b.gif"):
        save_picture(picture, tmp_path / name, lossless=name == "b.webp")
        assert shown(load_picture_bytes(tmp_path / name)) == pytest.approx(
            by_formula(points, curve), abs=3
        )


@pytest.mark.parametrize("kind", [cicp, heic, avif, jp2])
@pytest.mark.parametrize("numbers", [(1, 13), (2, 2), (2, 13)])
def test_srgb_and_what_is_not_known_need_no_profile(
    tmp_path: Path, kind: Callable[..., bytes], numbers: tuple[int, int]
) -> None:
    (tmp_path / "a").write_bytes(kind(*numbers))
    assert load_picture_bytes(tmp_path / "a").icc_profile is None


@pytest.mark.parametrize("kind", [cicp, heic, avif, jp2])
@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_becomes_what_it_becomes_in_clips(
    tmp_path: Path, kind: Callable[..., bytes], transfer: int, name: str
) -> None:
    (tmp_path / "a").write_bytes(kind(9, transfer))
    assert probe(tmp_path / "a").hdr == name
    found = load_picture_bytes(tmp_path / "a")
    expected = quantize(tone_map(torch.tensor(COLOR)[None, None] / 255, transfer, 9))
    assert found.pixels[:, 8, 8].tolist() == expected[0, 0].tolist()
    assert found.icc_profile is not None
    assert b"para" in found.icc_profile


def gamma(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def chromaticities(points: tuple[float, ...]) -> bytes:
    numbers = [round(value * 100_000) for value in (*WHITE, *points)]
    return chunk(b"cHRM", struct.pack(">8I", *numbers))


@pytest.mark.parametrize("value", [1.0, 0.55556, 0.35])
def test_a_gamma_of_a_png_is_shown(tmp_path: Path, value: float) -> None:
    (tmp_path / "a.png").write_bytes(png(gamma(value)))
    picture = load_picture_bytes(tmp_path / "a.png")
    assert shown(picture) == pytest.approx(by_formula(BT709, [1 / value]), abs=2)


def test_chromaticities_of_a_png_are_shown(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(gamma(0.55556), chromaticities(P3)))
    picture = load_picture_bytes(tmp_path / "a.png")
    assert shown(picture) == pytest.approx(by_formula(P3, [1.8]), abs=2)


@pytest.mark.parametrize(
    "chunks",
    [
        (gamma(0.45455), chromaticities(BT709)),  # how sRGB is said for old viewers
        (chunk(b"sRGB", b"\0"), gamma(1.0)),
        (gamma(0),),
        (chromaticities((0.0,) * 6),),
        (chunk(b"gAMA", b"\0"),),
        (chunk(b"cICP", b"\x0c"),),
    ],
)
def test_a_gamma_that_is_usual_or_none_changes_nothing(
    tmp_path: Path, chunks: tuple[bytes, ...]
) -> None:
    (tmp_path / "a.png").write_bytes(png(*chunks))
    picture = load_picture_bytes(tmp_path / "a.png")
    assert picture.icc_profile is None
    assert picture.pixels[:, 8, 8].tolist() == list(COLOR)


def test_numbers_count_more_than_a_profile_in_a_png_and_that_more_than_a_gamma(
    tmp_path: Path,
) -> None:
    profile = ImageCms.ImageCmsProfile(SRGB).tobytes()
    image = Image.fromarray(PIXELS)
    image.save(tmp_path / "a.png", icc_profile=profile)
    content = (tmp_path / "a.png").read_bytes()
    for more, expected in ((cicp(12, 13)[33:49], P3), (gamma(1.0), BT709)):
        (tmp_path / "b.png").write_bytes(content[:33] + more + content[33:])
        found = shown(load_picture_bytes(tmp_path / "b.png"))
        assert found == pytest.approx(by_formula(expected, OF_SRGB), abs=2)


def test_the_narrow_range_of_a_png_is_widened(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(cicp(1, 13, is_full=0))
    expected = [round((value - 16) / 219 * 255) for value in COLOR]
    assert load_picture_bytes(tmp_path / "a.png").pixels[:, 0, 0].tolist() == expected


@pytest.mark.parametrize("method", [2, 3])
def test_a_profile_of_a_jpeg_2000_is_kept(tmp_path: Path, method: int) -> None:
    profile = imagecodecs.cms_profile("rgb", whitepoint=[*WHITE, 1], primaries=_xyy(P3), gamma=1.8)
    (tmp_path / "a.jp2").write_bytes(jp2_with(bytes((method, 0, 0)) + profile))
    assert load_picture_bytes(tmp_path / "a.jp2").icc_profile == profile


def _xyy(points: tuple[float, ...]) -> list[float]:
    return [value for x, y in zip(points[::2], points[1::2], strict=True) for value in (x, y, 1.0)]


def test_colors_of_a_jpeg_2000_that_nothing_converts_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.jp2").write_bytes(jp2_with(b"\x01\0\0" + struct.pack(">I", 14)))
    with pytest.raises(UserError, match="JPEG 2000 with colors of kind 14, which are not read"):
        load_picture_bytes(tmp_path / "a.jp2")
