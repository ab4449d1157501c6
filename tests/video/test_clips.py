import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.files.jobs import Job
from faststyle.images import pixels as pixels_
from faststyle.images.pixels import Picture
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.stylize.stylizer import Stylizer
from faststyle.stylize.upscaler import StylizeThenUpscale, Upscaler
from faststyle.video import clips
from faststyle.video.clips import stylize_clips
from faststyle.video.frames import Frame
from faststyle.video.reader import Clip
from faststyle.video.writer import Writer
from tests.several import several_styles
from tests.upscalers import upscaler_style
from tests.video.made import frame, frames_of
from tests.video.pipelines import clip_pipeline

MakeClip = Callable[..., Path]
UNCHANGED: dict[str, Any] = {"strength": 0, "smooth": 0}


def stylize(stylizer: Stylizer, source: Path, target: Path, **options: float) -> int:
    return stylize_clips(clip_pipeline(stylizer, **options or UNCHANGED), [Job(source, target)])


def times(path: Path) -> list[float]:
    with av.open(str(path)) as clip:
        return [f.time for f in clip.decode(video=0)]


def sound(path: Path) -> list[bytes]:
    with av.open(str(path)) as clip:
        return [bytes(p) for p in clip.demux(audio=0) if p.dts is not None]


@pytest.mark.parametrize("form", ["DDS", "ICO", "PCX", "PDF", "SGI", "PSD", "text"])
def test_no_clip_is_made_of_a_picture_or_text_that_ffmpeg_reads(tmp_path: Path, form: str) -> None:
    path = tmp_path / "photo"
    if form == "PSD":
        path.write_bytes(b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 8, 8, 8, 3) + bytes(300))
    elif form == "text":
        path = tmp_path / "notes.txt"
        path.write_text("a line\n" * 100)
    else:
        Image.new("RGB", (48, 32)).save(path, form)
    with pytest.raises(UserError, match="no clip"):
        Clip(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_frames_times_and_sound_are_kept(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, suffix: str
) -> None:
    shown_at = [0, 5, 15, 20, 50, 51, 80, 81, 90, 100, 105, 120]  # a variable frame rate
    clip = make_clip(tmp_path / "a.mp4", times=shown_at)
    out = tmp_path / f"b{suffix}"
    assert stylize(stylizer, clip, out) == 0
    first = times(out)[0]  # Matroska has no negative times: it begins with the sound's
    assert [t - first for t in times(out)] == pytest.approx([t / 100 for t in shown_at], abs=1e-3)
    assert sound(out) == sound(clip)
    for index, found in enumerate(frames_of(out)):
        assert np.abs(found.astype(int) - frame((48, 64), index)).mean() < 6


def test_frames_are_stylized(tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer) -> None:
    clip = make_clip(tmp_path / "a.mp4", sound=False)
    assert stylize(stylizer, clip, tmp_path / "b.mkv", smooth=0) == 0
    for source, found in zip(frames_of(clip), frames_of(tmp_path / "b.mkv"), strict=True):
        photo = torch.from_numpy(source).permute(2, 0, 1) / 255
        expected = (stylizer(photo) * 255).permute(1, 2, 0).numpy()
        # Colors are stored for 2 x 2 pixels each.
        assert np.abs((found - expected).mean(2)).mean() < 6
        assert np.abs((source - expected).mean(2)).mean() > 20


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("color_range", [1, 2])
def test_colors_are_stored_as_they_were(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, matrix: int, color_range: int
) -> None:
    clip = make_clip(tmp_path / "a.mp4", matrix=matrix, color_range=color_range)
    assert stylize(stylizer, clip, tmp_path / "b.mp4") == 0
    with av.open(str(tmp_path / "b.mp4")) as written:
        first = next(written.decode(video=0))
        assert (first.colorspace, first.color_range) == (matrix, color_range)
    for source, found in zip(frames_of(clip), frames_of(tmp_path / "b.mp4"), strict=True):
        assert np.abs(source.astype(int) - found).mean() < 3


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_clip_held_sideways_is_written_upright(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, rotation: int
) -> None:
    clip = make_clip(tmp_path / "a.mp4", rotation=rotation)
    assert stylize(stylizer, clip, tmp_path / "b.mp4") == 0
    with av.open(str(tmp_path / "b.mp4")) as written:
        assert next(written.decode(video=0)).rotation == 0
    turned = np.rot90(frame((48, 64), 0), rotation // 90)
    assert np.abs(frames_of(tmp_path / "b.mp4")[0].astype(int) - turned).mean() < 6


def test_size_is_the_short_side_and_odd_sides_lose_a_pixel(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer
) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    assert stylize(stylizer, clip, tmp_path / "b.mp4", size=33) == 0
    assert {f.shape for f in frames_of(tmp_path / "b.mp4")} == {(32, 44, 3)}


def test_each_frame_is_scaled_once(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, ...]] = []
    resize_once = pixels_.resize

    def resize(pixels: torch.Tensor, short_side: int) -> torch.Tensor:
        sizes.append(tuple(pixels.shape))
        return resize_once(pixels, short_side)

    monkeypatch.setattr("faststyle.images.pixels.resize", resize)
    clip = make_clip(tmp_path / "a.mp4", count=3)
    assert stylize(stylizer, clip, tmp_path / "b.mp4", size=32) == 0
    assert sizes == [(3, 48, 64)] * 3


def test_a_clip_that_changes_its_size_keeps_the_first_and_this_is_said(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = [
        make_clip(tmp_path / f"{i}.h264", size=size, sound=False).read_bytes()
        for i, size in enumerate([(48, 64), (96, 128)])
    ]
    (tmp_path / "a.h264").write_bytes(b"".join(parts))
    assert stylize(stylizer, tmp_path / "a.h264", tmp_path / "b.mkv") == 0
    found = frames_of(tmp_path / "b.mkv")
    assert len(found) == 24
    assert {f.shape for f in found} == {(48, 64, 3)}
    assert "its size changes: all frames have that of the first" in capfd.readouterr().err


def test_smoothing_takes_the_flicker_from_what_stands_still(
    tmp_path: Path, stylizer: Stylizer
) -> None:
    rng = np.random.default_rng(0)
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.height, video.width, video.pix_fmt = 64, 64, "bgr0"
        for _ in range(20):
            noisy = np.clip(frame((64, 64), 0) + rng.normal(0, 2, (64, 64, 3)), 0, 255)
            picture = av.VideoFrame.from_ndarray(noisy.astype(np.uint8))
            container.mux(video.encode(picture.reformat(format="bgr0")))
        container.mux(video.encode(None))
    flicker = []
    for smooth in (0.0, 0.5):
        stylize(stylizer, tmp_path / "a.mkv", tmp_path / "b.mkv", smooth=smooth)
        found = np.stack(frames_of(tmp_path / "b.mkv")[5:]).astype(int)
        flicker.append(np.abs(np.diff(found, axis=0)).mean())
    assert flicker[1] < flicker[0] / 3


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[: len(data) * 2 // 3], "damaged; "),
        (lambda data: data[:3000] + bytes(2000) + data[5000:], "damaged; "),
        (lambda data: data[:100], "neither a picture nor a clip"),
        (lambda _: b"hello", "neither a picture nor a clip"),
        (lambda _: b"", "neither a picture nor a clip"),
    ],
)
def test_what_can_be_read_of_a_damaged_clip_is_written_and_the_rest_named(
    tmp_path: Path,
    make_clip: MakeClip,
    stylizer: Stylizer,
    capfd: pytest.CaptureFixture[str],
    damage: Callable[[bytes], bytes],
    message: str,
) -> None:
    clip = make_clip(tmp_path / "a.mkv", count=60)
    clip.write_bytes(damage(clip.read_bytes()))
    assert stylize(stylizer, clip, tmp_path / "b.mp4") == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert message in errors[0]
    if message == "damaged; ":
        assert 0 < len(frames_of(tmp_path / "b.mp4")) < 60
    else:
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mkv"]


def test_one_bad_clip_does_not_stop_the_rest(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, capfd: pytest.CaptureFixture[str]
) -> None:
    make_clip(tmp_path / "b.mp4")
    with av.open(str(tmp_path / "c.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
    jobs = [Job(tmp_path / f, tmp_path / f"{f}.mp4") for f in ("absent.mp4", "c.wav", "b.mp4")]
    assert stylize_clips(clip_pipeline(stylizer, **UNCHANGED), jobs) == 2
    errors = capfd.readouterr().err
    assert "no such clip" in errors
    assert "is sound, and no clip" in errors
    assert len(frames_of(tmp_path / "b.mp4.mp4")) == 12


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said(tmp_path: Path, make_clip: MakeClip) -> None:
    (tmp_path / "full.mkv").symlink_to("/dev/full")

    def write(clip: Clip) -> None:
        with Writer(tmp_path / "full.mkv", clip) as writer:
            for item in clip:
                writer.write(item)

    with (
        Clip(make_clip(tmp_path / "a.mp4", count=60)) as clip,
        pytest.raises(OSError, match="No space left"),
    ):
        write(clip)


def test_a_format_that_cannot_be_written_is_named(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, capfd: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    assert stylize(stylizer, clip, tmp_path / "b.xyz") == 1
    assert "is no format of clips" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == [clip]


def test_a_clip_can_move_from_one_style_to_another(tmp_path: Path, make_clip: MakeClip) -> None:
    parts: list[float] = []
    stylizer = Stylizer(several_styles(), device="cpu", mix={"night": 1})
    to_wave = stylizer.move({"wave": 1})

    def move(part: float) -> None:
        parts.append(part)
        to_wave(part)

    clip = make_clip(tmp_path / "a.mp4", 6)
    jobs = [Job(clip, tmp_path / "b.mkv"), Job(clip, tmp_path / "c.mkv")]
    assert stylize_clips(clip_pipeline(stylizer, move, smooth=0), jobs) == 0
    assert parts[:6] == parts[6:] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    source, made = (list(frames_of(path)) for path in (clip, tmp_path / "b.mkv"))
    for number, shown, other in ((0, "night", "wave"), (5, "wave", "night")):
        near, far = (
            Stylizer(several_styles(), device="cpu", mix={name: 1})(source[number])
            for name in (shown, other)
        )
        distances = [np.abs(made[number].astype(int) - each).mean() for each in (near, far)]
        assert distances[0] < distances[1] / 2


def test_frames_lie_still_before_they_are_enlarged(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "a.mp4", count=3)
    with Clip(clip) as frames:
        pictures = [
            Picture(pixels_.to_unit(item.pixels)).scaled(24)
            for item in frames
            if isinstance(item, Frame)
        ]
    painted = clips.stylize_frames(stylizer, pictures, 10)
    four = Upscaler(upscaler_style(4), device="cpu")
    given: list[torch.Tensor] = []

    def enlarge(seen: Sequence[Picture], *rest: Any) -> list[Picture]:
        given.extend(picture.pixels for picture in seen)
        return Upscaler.process(four, seen, *rest)

    monkeypatch.setattr(four, "process", enlarge)
    pipeline = clip_pipeline(StylizeThenUpscale(stylizer, four), size=24)
    assert stylize_clips(pipeline, [Job(clip, tmp_path / "b.mkv")]) == 0
    torch.testing.assert_close(torch.stack(given), torch.stack(list(painted)))
    assert [each.shape for each in frames_of(tmp_path / "b.mkv")] == 3 * [(96, 128, 3)]


def test_without_opencv_clips_are_stylized_and_it_is_said_once(
    tmp_path: Path,
    make_clip: MakeClip,
    stylizer: Stylizer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clips._canvas.cache_clear()
    monkeypatch.setitem(sys.modules, "faststyle.video.canvas", None)
    clip = make_clip(tmp_path / "a.mp4", sound=False)
    jobs = [Job(clip, tmp_path / name) for name in ("b.mp4", "c.mp4")]
    assert stylize_clips(clip_pipeline(stylizer), jobs) == 0
    assert capsys.readouterr().err.count("a moving camera is not followed") == 1
    assert len(frames_of(tmp_path / "c.mp4")) == 12
    clips._canvas.cache_clear()


def test_strokes_move_with_the_scene() -> None:
    """Of a network that paints its noise alone, over a scene that the camera moves along."""
    torch.manual_seed(0)
    network = TransformNetwork(width=4, blocks=0, noise=3).eval()
    painter = Stylizer(TrainedStyle(network, StyleMetadata(style="noise")), device="cpu")
    coarse = torch.rand(1, 3, 12, 40, generator=torch.Generator().manual_seed(1))
    scene = torch.nn.functional.interpolate(coarse, (96, 320), mode="bicubic")[0].clamp(0, 1)
    frames = [Picture(scene[:, :, 4 * n : 4 * n + 160]) for n in range(6)]
    for smooth, holds in ((0.0, False), (0.5, True)):
        seen = list(clips.stylize_frames(painter, frames, 25, smooth=smooth))
        moved = (seen[-1][:, 12:-12, 12:-32] - seen[-2][:, 12:-12, 16:-28]).abs().mean()
        assert bool(moved < 0.004) is holds
