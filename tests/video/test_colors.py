"""Colors, their depth, light and transparency are kept, or it is said that they are not."""

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type

from tests.video.made import Pixels, Said, frame, frames_of, write


def see_through(count: int = 4) -> list[Pixels]:
    frames = []
    for index in range(count):
        alpha = np.full((48, 64, 1), 255, np.uint8)
        alpha[:, :32] = 0
        frames.append(np.concatenate((frame((48, 64), index), alpha), 2))
    return frames


def alpha_of(path: Path) -> Pixels:
    with av.open(str(path)) as clip:
        [video] = clip.streams.video
        context: Any = video
        if video.codec_context.name == "vp9":
            context = av.CodecContext.create("libvpx-vp9", "r")
        for packet in clip.demux(video):
            for decoded in context.decode(packet if packet.size else None):
                return np.asarray(decoded.to_ndarray(format="rgba"))[..., 3]
    raise AssertionError("no frame")


@pytest.mark.parametrize("suffix", [".mov", ".webm", ".mkv", ".mp4"])
@pytest.mark.parametrize(
    ("codec", "pixels", "ending"),
    [
        ("qtrle", "argb", ".mov"),
        ("prores_ks", "yuva444p10le", ".mov"),
        ("libvpx-vp9", "yuva420p", ".webm"),
    ],
)
def test_transparency_is_kept_where_a_format_can_and_else_said(
    tmp_path: Path, said: Said, codec: str, pixels: str, ending: str, suffix: str
) -> None:
    clip = write(tmp_path / f"a{ending}", see_through(), codec, pixels, "rgba")
    words = said.stylize(clip, tmp_path / f"b{suffix}")
    if suffix == ".mp4":
        assert "transparency left out: .mp4 files have none; .webm has" in words
        return
    bits = "12 bits a channel become 8" if codec == "prores_ks" else ""  # as FFmpeg reads it
    assert words.strip().rpartition(": ")[2] == bits
    found = alpha_of(tmp_path / f"b{suffix}")
    assert found[:, :30].max() < 10
    assert found[:, 34:].min() > 245


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_becomes_ordinary_with_the_right_tags(
    tmp_path: Path, said: Said, transfer: int
) -> None:
    # A gray of 203 cd/m2, reference white, in either: 0.58 of PQ, 0.75 of HLG.
    signal = {16: 0.5807, 18: 0.75}[transfer]
    pixels = np.full((48, 64, 3), round(signal * 65535), np.uint16)

    def tag(video: Any) -> None:
        context = video.codec_context
        context.color_trc, context.color_primaries, context.colorspace = transfer, 9, 9

    clip = write(
        tmp_path / "a.mp4", [pixels] * 3, "libx264", "yuv420p10le", "rgb48le", tag, crf="4"
    )
    assert said.stylize(clip, tmp_path / "high_bit_depth.mp4", bit_depth=10).split() == []
    with av.open(str(tmp_path / "high_bit_depth.mp4")) as written:
        first = next(written.decode(video=0))
        assert (first.color_trc, first.color_primaries, first.colorspace) == (transfer, 9, 9)
        kept: Any = first.to_ndarray(format="rgb48le")
        assert abs(kept.mean() / 65535 - signal) < 0.005
    words = said.stylize(clip, tmp_path / "b.mp4")
    assert "high dynamic range: written in ordinary range" in words
    with av.open(str(tmp_path / "b.mp4")) as written:
        first = next(written.decode(video=0))
        assert (first.color_trc, first.color_primaries, first.colorspace) == (1, 1, 1)
        assert first.format.name == "yuv420p"
    white = frames_of(tmp_path / "b.mp4")[0].mean()
    assert 215 < white < 250, "bright, and not the brightest"


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".ts"])
@pytest.mark.parametrize("smooth", [0.0, 0.5])
def test_ten_bits_are_kept_if_asked_for(
    tmp_path: Path, said: Said, suffix: str, smooth: float
) -> None:
    # Darker than what 8 bits tell apart: a ramp over 8 of 255 gray levels.
    ramp = np.linspace(20, 28, 128) / 255 * 65535
    pixels = np.broadcast_to(ramp.round().astype(np.uint16)[None, :, None], (64, 128, 3))
    frames = [np.ascontiguousarray(pixels)] * 4
    clip = write(tmp_path / "a.mkv", frames, "ffv1", "yuv420p10le", "rgb48le")
    target = tmp_path / f"b{suffix}"
    assert said.stylize(clip, target, bit_depth=10, smooth=smooth).split() == []
    with av.open(str(target)) as written:
        decoded = list(written.decode(video=0))
    assert (len(decoded), decoded[0].format.name) == (4, "yuv420p10le")
    gray: Any = decoded[-1].to_ndarray(format="gray16le")
    levels = np.unique(gray.mean(0).round() // 64)
    assert len(levels) > 16
    said.stylize(clip, target, smooth=smooth)
    assert len(np.unique(frames_of(target)[-1])) < 16


def test_transparency_is_kept_in_ten_bits(tmp_path: Path, said: Said) -> None:
    pixels = np.full((48, 64, 4), 30000, np.uint16)
    pixels[:, :32, 3] = 65535
    clip = write(tmp_path / "a.mov", [pixels] * 2, "prores_ks", "yuva444p10le", "rgba64le")
    said.stylize(clip, tmp_path / "b.mov", bit_depth=10)
    with av.open(str(tmp_path / "b.mov")) as written:
        found: Any = next(written.decode(video=0)).to_ndarray(format="rgba")
    assert abs(int(found[24, 16, 0]) - 30000 / 257) < 4
    assert found[24, 16, 3] > 250


#: As encoders are told it: a screen of 1000 cd/m2 with P3's colors, and the brightest light.
_HDR10 = (
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    ":max-cll=1000,400"
)


def light_of(path: Path) -> tuple[list[float], tuple[int, ...]]:
    """Colors of the screen, its least and its most light, and the brightest light."""
    with av.open(str(path)) as clip:
        found: Any = next(clip.decode(video=0)).side_data
        screen = bytes(found[Type.MASTERING_DISPLAY_METADATA])
        light = bytes(found[Type.CONTENT_LIGHT_LEVEL])
    integers = struct.unpack("22i", screen)
    fractions = [a / b for a, b in zip(integers[:20:2], integers[1:20:2], strict=True)]
    return fractions, struct.unpack("2I", light)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".ts"])
def test_what_hdr10_says_of_light_is_kept_with_ten_bits(
    tmp_path: Path, said: Said, suffix: str
) -> None:
    pixels = np.full((48, 64, 3), 30000, np.uint16)
    options: dict[str, Any] = {"x265-params": f"log-level=error:{_HDR10}"}
    clip = write(tmp_path / "a.mkv", [pixels] * 3, "libx265", "yuv420p10le", "rgb48le", **options)
    assert said.stylize(clip, tmp_path / f"b{suffix}", bit_depth=10).split() == []
    screen, light = light_of(tmp_path / f"b{suffix}")
    colors = [0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329]
    assert screen == pytest.approx([*colors, 0.005, 1000], rel=0.01, abs=1e-4)
    assert light == (1000, 400)


def test_no_light_is_kept_with_frames_that_cannot_say_it(tmp_path: Path, said: Said) -> None:
    pixels = np.full((48, 64, 3), 30000, np.uint16)
    options: dict[str, Any] = {"x265-params": f"log-level=error:{_HDR10}"}
    clip = write(tmp_path / "a.mkv", [pixels] * 3, "libx265", "yuv420p10le", "rgb48le", **options)
    said.stylize(clip, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as written:
        found: Any = next(written.decode(video=0)).side_data
        assert found.get(Type.MASTERING_DISPLAY_METADATA) is None
