"""Colors are what the file says that they are, computed here from raw Y, U and V."""

from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import pytest

from faststyle.files.clip_formats import CLIP_FORMATS
from tests.video.made import Said

COLOR = (200, 40, 60)
#: Of few pixels; HD is what has 1280 columns, or more than 576 lines.
SD, HD = (24, 640), (48, 1280)
#: Kr and Kb by FFmpeg's numbers (ITU-T H.273).
LUMA = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}


def by_size(size: tuple[int, int]) -> int:
    return 1 if size[1] >= 1280 or size[0] > 576 else 6


def to_yuv(matrix: int, is_full: bool) -> Any:
    """Y, U and V of the color, in 8 bits."""
    red, green, blue = np.array(COLOR, np.float64) / 255
    if matrix == 8:  # YCgCo
        y = (red + 2 * green + blue) / 4
        u, v = (2 * green - red - blue) / 4, (red - blue) / 2
    else:
        kr, kb = LUMA[matrix]
        y = kr * red + (1 - kr - kb) * green + kb * blue
        u, v = (blue - y) / 2 / (1 - kb), (red - y) / 2 / (1 - kr)
    scaled = (255 * y, 255 * u, 255 * v) if is_full else (16 + 219 * y, 224 * u, 224 * v)
    return np.round(np.array(scaled) + np.array((0, 128, 128))).astype(np.uint8)


def write_yuv(
    path: Path,
    size: tuple[int, int],
    yuv: Any,
    codec: str = "libx264",
    count: int = 3,
    **tags: Any,
) -> Path:
    """Frames of one color, given as it is stored."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=25)
        (video.height, video.width), video.pix_fmt = size, tags.pop("pix_fmt", "yuv420p")
        for name, value in tags.items():
            setattr(video.codec_context, name, value)
        for index in range(count):
            picture = av.VideoFrame(size[1], size[0], video.pix_fmt)
            for plane, value in zip(picture.planes, yuv, strict=True):
                pattern = bytes(np.atleast_1d(value).astype(np.uint8))
                plane.update(pattern * (plane.buffer_size // len(pattern)))
            picture.pts, picture.time_base = index, Fraction(1, 25)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    return path


def read_color(path: Path) -> np.ndarray:
    """The color in the middle, by the file's own tags, and by its size where it has none."""
    with av.open(str(path)) as clip:
        shown = next(clip.decode(video=0))
    if shown.format.is_rgb:
        pixels: Any = shown.to_ndarray(format="rgb24")
        return np.asarray(pixels[shown.height // 2, shown.width // 2], np.float64)
    bits = shown.format.components[0].bits
    kind: Any = np.uint8 if bits == 8 else np.uint16
    planes = []
    for plane in shown.planes[:3]:
        rows = np.frombuffer(bytes(plane), kind).reshape(plane.height, -1)
        planes.append(float(rows[plane.height // 2, plane.width // 2]) / 2 ** (bits - 8))
    matrix = shown.colorspace
    kr, kb = LUMA[by_size((shown.height, shown.width)) if matrix == 2 else matrix]
    y, u, v = np.array(planes) - (0, 128, 128)
    is_full = shown.color_range == 2 or shown.format.name.startswith("yuvj")
    y, u, v = (y, u, v) if is_full else ((y - 16) * 255 / 219, u * 255 / 224, v * 255 / 224)
    red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    return np.array([red, (y - kr * red - kb * blue) / (1 - kr - kb), blue])


def source(folder: Path, kind: str, size: tuple[int, int], suffix: str) -> Path:
    """A clip of the color, stored in one of many ways, to be written as ``suffix``."""
    # Of fewer frames, FFmpeg knows no .ts again.
    name, content = _made(kind, size, 12 if suffix == ".ts" else 3)
    (folder / name).write_bytes(content)
    return folder / name


@cache
def _made(kind: str, size: tuple[int, int], count: int) -> tuple[str, bytes]:
    """Name and content: each is written once for all tests."""
    with TemporaryDirectory() as folder:
        path = _make(Path(folder), kind, size, count)
        return path.name, path.read_bytes()


def _make(folder: Path, kind: str, size: tuple[int, int], count: int) -> Path:
    if kind == "rgb":
        red, green, blue = COLOR
        stored = [(blue, green, red, 255)]
        return write_yuv(folder / "a.mkv", size, stored, "ffv1", count, pix_fmt="bgr0")
    matrix = {"ycgco": 8, "fcc": 4, "bt2020": 9, "240m": 7}.get(kind, by_size(size))
    if kind == "other":  # than is usual at this size
        matrix = 7 - matrix
    is_full = kind == "full"
    tags: dict[str, Any] = (
        {} if kind == "untagged" else {"colorspace": matrix, "color_range": 1 + is_full}
    )
    return write_yuv(folder / "a.mp4", size, to_yuv(matrix, is_full), count=count, **tags)


@pytest.mark.parametrize("suffix", CLIP_FORMATS)
@pytest.mark.parametrize("before", [SD, HD])
@pytest.mark.parametrize("kind", ["untagged", "usual", "other", "full", "rgb", "ycgco"])
def test_a_color_stays_in_every_container_and_across_720_lines(
    tmp_path: Path, said: Said, kind: str, before: tuple[int, int], suffix: str
) -> None:
    clip = source(tmp_path, kind, before, suffix)
    size = 48 if before == SD else 24
    assert said.stylize(clip, tmp_path / f"b{suffix}", size=size).strip() == ""
    assert np.abs(read_color(tmp_path / f"b{suffix}") - COLOR).max() <= 3


@pytest.mark.parametrize("kind", ["untagged", "fcc", "bt2020", "240m", "rgb"])
@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mpg", ".wmv", ".gif"])
def test_a_color_stays_at_the_size_that_it_has(
    tmp_path: Path, said: Said, kind: str, suffix: str
) -> None:
    for size in (SD, HD, (720, 16)):
        said.stylize(source(tmp_path, kind, size, suffix), tmp_path / f"b{suffix}")
        within = 4 if (kind, suffix) == ("bt2020", ".wmv") else 3  # it is rounded three times
        assert np.abs(read_color(tmp_path / f"b{suffix}") - COLOR).max() <= within


@pytest.mark.parametrize("suffix", [".mov", ".webm", ".mkv"])
@pytest.mark.parametrize("size", [SD, HD])
def test_the_color_of_transparent_frames_stays(
    tmp_path: Path, said: Said, size: tuple[int, int], suffix: str
) -> None:
    red, green, blue = COLOR
    stored = [(blue, green, red, 255)]
    clip = write_yuv(tmp_path / "a.mkv", size, stored, "ffv1", pix_fmt="bgra")
    said.stylize(clip, tmp_path / f"b{suffix}")
    assert np.abs(read_color(tmp_path / f"b{suffix}") - COLOR).max() <= 3


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".mov", ".ts"])
@pytest.mark.parametrize("kind", ["untagged", "full", "rgb", "ycgco"])
def test_the_color_of_ten_bits_stays(tmp_path: Path, said: Said, kind: str, suffix: str) -> None:
    clip = source(tmp_path, kind, (64, 128), suffix)
    said.stylize(clip, tmp_path / f"b{suffix}", bit_depth=10)
    assert np.abs(read_color(tmp_path / f"b{suffix}") - COLOR).max() <= 3


@pytest.mark.parametrize("suffix", [s for s in CLIP_FORMATS if s not in (".wmv", ".gif")])
def test_every_file_that_can_is_tagged(tmp_path: Path, said: Said, suffix: str) -> None:
    for kind in ("untagged", "rgb"):
        said.stylize(source(tmp_path, kind, SD, suffix), tmp_path / f"b{suffix}", size=16)
        with av.open(str(tmp_path / f"b{suffix}")) as clip:
            shown = next(clip.decode(video=0))
        tags = (shown.colorspace, shown.color_primaries, shown.color_trc)
        assert tags == (6, 1, 1), suffix
        if suffix != ".mpg":
            assert shown.color_range == 1


@pytest.mark.parametrize("suffix", [".gif", ".wmv", ".mp4"])
def test_wide_colors_that_cannot_be_said_are_mentioned(
    tmp_path: Path, said: Said, suffix: str
) -> None:
    tags: dict[str, Any] = {"colorspace": 1, "color_primaries": 12}
    clip = write_yuv(tmp_path / "a.mp4", SD, (100, 100, 100), **tags)
    words = said.stylize(clip, tmp_path / f"b{suffix}")
    assert ("its wide colors look paler" in words) is (suffix != ".mp4")


@pytest.mark.parametrize(("tag", "full"), [(1, 16), (2, 0)])
def test_gray_has_the_range_that_it_says(tmp_path: Path, said: Said, tag: int, full: int) -> None:
    clip = write_yuv(tmp_path / "a.mkv", (48, 64), [full], "ffv1", pix_fmt="gray", color_range=tag)
    said.stylize(clip, tmp_path / "b.mkv")
    assert read_color(tmp_path / "b.mkv").max() <= 3


@pytest.mark.parametrize(
    ("matrix", "name"),
    [(10, "BT.2020 with constant luminance"), (14, "ICtCp"), (11, "SMPTE ST 2085")],
)
def test_colors_that_are_not_read_are_named(
    tmp_path: Path, said: Said, matrix: int, name: str
) -> None:
    clip = write_yuv(tmp_path / "a.mp4", SD, (100, 100, 100), colorspace=matrix)
    words = said.stylize(clip, tmp_path / "b.mp4", failed=1)
    expected = f"error: {clip}: its colors are stored as {name}, which is not read"
    assert words.strip() == expected
    assert list(tmp_path.iterdir()) == [clip]


def test_a_matrix_that_follows_from_primaries_is_taken_from_them(
    tmp_path: Path, said: Said
) -> None:
    for primaries, matrix in ((1, 1), (9, 9)):
        clip = write_yuv(
            tmp_path / "a.mp4",
            SD,
            to_yuv(matrix, is_full=False),
            colorspace=12,
            color_primaries=primaries,
        )
        said.stylize(clip, tmp_path / "b.mp4")
        assert np.abs(read_color(tmp_path / "b.mp4") - COLOR).max() <= 3
