"""What goes into a file of clips comes out again, or it is said that it does not."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream

from faststyle.inference.clip_targets import TARGETS
from faststyle.inference.jobs import Job
from faststyle.inference.options import StylizeOptions
from faststyle.inference.stylizer import Stylizer
from faststyle.inference.video import stylize_clips
from tests.inference.video.conftest import RATE, frame, frames_of

MakeClip = Callable[..., Path]
UNCHANGED = StylizeOptions(strength=0, smooth=0)
Pixels = np.ndarray


class Said:
    """What was said on standard error while clips were stylized."""

    def __init__(self, stylizer: Stylizer, capfd: pytest.CaptureFixture[str]) -> None:
        self.stylizer, self.capfd = stylizer, capfd

    def stylize(self, source: Path, target: Path, failed: int = 0, **options: Any) -> str:
        chosen = StylizeOptions(**{"strength": 0, "smooth": 0, **options})
        assert stylize_clips(self.stylizer, [Job(source, target)], chosen) == failed
        lines = self.capfd.readouterr().err.replace("\r", "\n").split("\n")
        return "\n".join(line for line in lines if "frame/s" not in line and "?frame" not in line)


@pytest.fixture
def said(stylizer: Stylizer, capfd: pytest.CaptureFixture[str]) -> Said:
    return Said(stylizer, capfd)


def write(
    path: Path,
    frames: Sequence[Pixels],
    codec: str,
    pixels: str,
    form: str = "rgb24",
    change: Callable[[Any], None] = lambda _: None,
    **options: str,
) -> Path:
    """A clip of ten frames a second."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=10, options=options)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = pixels
        change(video)
        for index, each in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(each, format=form)
            picture.pts, picture.time_base = index, Fraction(1, 10)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    return path


def write_silent(
    path: Path,
    frames: Sequence[Pixels],
    codec: str,
    form: str,
    rate: int,
    layout: str,
    seconds: float = 0.5,
) -> int:
    """Ten frames a second, beside silence in samples of ``form``; returns how many channels."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=10)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        tone: Any = container.add_stream(codec, rate=rate, layout=layout)
        for index, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 10)
            container.mux(video.encode(picture))
        channels = int(tone.codec_context.channels)
        kind = {"s16": np.int16, "s32": np.int32}[form]
        silence = np.zeros((1, round(rate * seconds) * channels), kind)
        sound = av.AudioFrame.from_ndarray(silence, format=form, layout=layout)
        sound.sample_rate = rate
        container.mux(tone.encode(sound) + tone.encode(None) + video.encode(None))
    return channels


def moving(count: int = 12, size: tuple[int, int] = (48, 64)) -> list[Pixels]:
    return [frame(size, index) for index in range(count)]


def difference(found: Pixels, expected: Pixels) -> float:
    return float(np.abs(found.astype(int) - expected).mean())


def tone_of(path: Path) -> tuple[float, float]:
    """Frequency in hertz, and seconds, of the sound."""
    with av.open(str(path)) as clip:
        rate = clip.streams.audio[0].rate
        parts = [f.to_ndarray() for f in av_resampled(clip)]
    wave = np.concatenate([part.reshape(1, -1)[0] for part in parts])
    spectrum = np.abs(np.fft.rfft(wave))
    return float(np.argmax(spectrum) * rate / len(wave)), len(wave) / rate


def av_resampled(clip: Any) -> list[av.AudioFrame]:
    resampler = av.AudioResampler("flt", "mono", clip.streams.audio[0].rate)
    return [part for frame in clip.decode(audio=0) for part in resampler.resample(frame)]


@pytest.mark.parametrize("suffix", TARGETS)
def test_every_format_keeps_pictures_times_and_sound(
    tmp_path: Path, make_clip: MakeClip, said: Said, suffix: str
) -> None:
    clip = make_clip(tmp_path / "a.mp4", count=12)
    said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        shown = [(f.time, f.to_ndarray(format="rgb24")) for f in written.decode(video=0)]
        assert bool(written.streams.audio) == (suffix != ".gif")
    first = shown[0][0]
    for number in (0, 5, 11):
        at = number / 10 + 0.04  # within the time that the frame is shown
        found = [pixels for time, pixels in shown if time - first <= at][-1]
        assert difference(found, frame((48, 64), number)) < 8, number
    assert shown[-1][0] - first == pytest.approx(1.1, abs=0.06)
    if suffix != ".gif":
        frequency, seconds = tone_of(tmp_path / f"b{suffix}")
        assert frequency == pytest.approx(0.06 * RATE / (2 * np.pi), rel=0.01)
        assert seconds == pytest.approx(1.2, abs=0.1)


def test_a_format_of_one_rate_keeps_the_rate(
    tmp_path: Path, make_clip: MakeClip, said: Said
) -> None:
    said.stylize(make_clip(tmp_path / "a.mp4", count=8), tmp_path / "b.avi")
    assert len(frames_of(tmp_path / "b.avi")) == 8
    late = make_clip(tmp_path / "c.mp4", count=4, times=[0, 10, 50, 60], sound=False)
    said.stylize(late, tmp_path / "d.avi")
    with av.open(str(tmp_path / "d.avi")) as written:
        seconds = max(f.time for f in written.decode(video=0))
    assert seconds == pytest.approx(0.6, abs=0.15), "a gap stays as long as it was"


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
@pytest.mark.parametrize("mirror", ["", "hflip", "vflip"])
def test_every_way_to_hold_a_camera_is_upright(
    tmp_path: Path, said: Said, degrees: int, mirror: str
) -> None:
    def turn(video: Any) -> None:
        video.set_display_rotation(degrees, **({mirror: True} if mirror else {}))

    clip = write(tmp_path / "a.mov", moving(3), "libx264", "yuv420p", change=turn, crf="4")
    said.stylize(clip, tmp_path / "b.mp4")
    expected = np.rot90(frame((48, 64), 0), degrees // 90)
    flips = {"": expected, "hflip": expected[:, ::-1], "vflip": expected[::-1]}
    assert difference(frames_of(tmp_path / "b.mp4")[0], flips[mirror]) < 6
    with av.open(str(tmp_path / "b.mp4")) as written:
        assert next(written.decode(video=0)).rotation == 0


def two_films(path: Path, default: int, cover: str | None = None) -> Path:
    """Streams of red and of blue frames, or of a still picture and of blue frames."""
    with av.open(str(path), "w") as container:
        streams: list[Any] = []
        for number in range(2):
            codec = cover if cover and number == 0 else "libx264"
            stream: Any = container.add_stream(codec, rate=10)
            stream.width, stream.height = 64, 48
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.disposition = Disposition.default if number == default else 0
            streams.append(stream)
        for index in range(4):
            for number, color in enumerate(((200, 0, 0), (0, 0, 200))):
                if cover and number == 0 and index:
                    continue
                pixels = np.full((48, 64, 3), color, np.uint8)
                picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                picture.pts, picture.time_base = index, Fraction(1, 10)
                container.mux(streams[number].encode(picture))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("default", "cover", "is_blue"), [(0, None, False), (1, None, True), (0, "mjpeg", True)]
)
def test_the_film_is_what_the_file_shows_first_and_no_cover(
    tmp_path: Path, said: Said, default: int, cover: str | None, is_blue: bool
) -> None:
    words = said.stylize(two_films(tmp_path / "a.mkv", default, cover), tmp_path / "b.mp4")
    lost = "its cover or preview is left out" if cover else "only one of its 2 films is stylized"
    assert lost in words
    [red, _, blue] = frames_of(tmp_path / "b.mp4")[0].mean((0, 1))
    assert (blue > red) == is_blue
    assert len(frames_of(tmp_path / "b.mp4")) == 4


def test_sound_with_a_cover_is_no_clip(tmp_path: Path, said: Said) -> None:
    with av.open(str(tmp_path / "a.m4a"), "w", format="mp4") as container:
        tone = container.add_stream("aac", rate=RATE)
        cover: Any = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(frame((48, 64), 0), format="rgb24")
        container.mux(cover.encode(picture) + cover.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate = RATE
        container.mux(tone.encode(silence) + tone.encode(None))
    words = said.stylize(tmp_path / "a.m4a", tmp_path / "b.mp4", failed=1)
    assert "is sound, and no clip" in words


def test_what_else_a_file_holds_is_copied(tmp_path: Path, said: Said, make_clip: MakeClip) -> None:
    plain = make_clip(tmp_path / "plain.mkv")
    (tmp_path / "a.srt").write_text("1\n00:00:00,200 --> 00:00:00,700\nHello\n\n")
    clip = tmp_path / "a.mkv"
    with (
        av.open(str(plain)) as source,
        av.open(str(tmp_path / "a.srt")) as text,
        av.open(str(clip), "w") as out,
    ):
        out.metadata["title"] = "A title"
        start, middle, end = 0, 500, 1200
        base = Fraction(1, 1000)
        out.set_chapters(
            [
                {"id": i, "start": a, "end": b, "time_base": base, "metadata": {"title": name}}
                for i, (a, b, name) in enumerate([(start, middle, "one"), (middle, end, "two")])
            ]
        )
        streams = {s: out.add_stream_from_template(s) for s in (*source.streams, *text.streams)}
        [_, sound, words] = streams.values()
        sound.metadata["language"] = "deu"
        words.metadata["language"] = "fra"
        words.disposition = Disposition.default | Disposition.forced
        for packet in (p for c in (source, text) for p in c.demux() if p.size):
            packet.stream = streams[packet.stream]
            out.mux(packet)
    assert said.stylize(clip, tmp_path / "b.mkv").strip() == ""
    with av.open(str(tmp_path / "b.mkv")) as written:
        assert written.metadata["title"] == "A title"
        assert [c["metadata"]["title"] for c in written.chapters()] == ["one", "two"]
        [sound], [subtitles] = written.streams.audio, written.streams.subtitles
        assert isinstance(subtitles, SubtitleStream)
        assert (sound.language, subtitles.language) == ("deu", "fra")
        assert subtitles.disposition == Disposition.default | Disposition.forced
        packets = [bytes(p) for p in written.demux(subtitles) if p.size]
        assert packets == [b"Hello"]
    words = said.stylize(clip, tmp_path / "b.avi")
    assert "srt subtitle left out: .avi files cannot hold it" in words


@pytest.mark.parametrize(
    ("codec", "suffix", "kept"),
    [
        ("flac", ".mov", "aac"),
        ("aac", ".webm", "opus"),
        ("libopus", ".avi", "mp3"),
        ("flac", ".mkv", "flac"),
        ("libopus", ".mp4", "opus"),
        ("flac", ".gif", None),
    ],
)
def test_sound_that_a_format_cannot_hold_is_encoded_anew_or_left_out_and_said(
    tmp_path: Path, make_clip: MakeClip, said: Said, codec: str, suffix: str, kept: str | None
) -> None:
    if codec == "libopus":
        clip = tmp_path / "a.mkv"
        said.stylize(make_clip(tmp_path / "c.mp4"), tmp_path / "c.webm")
        (tmp_path / "c.webm").rename(clip)
    else:
        clip = make_clip(tmp_path / "a.mkv", codec=codec)
    words = said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        found = [stream.codec_context.name for stream in written.streams.audio]
    named = codec.removeprefix("lib")
    if kept is None:
        assert found == []
        assert f"{named} audio left out: .gif files have none" in words
    else:
        assert [name.removesuffix("float") for name in found] == [kept]
        assert ("encoded anew" in words) == (kept != named)


@pytest.mark.parametrize("suffix", [".webm", ".avi", ".wmv", ".mpg"])
@pytest.mark.parametrize("layout", ["5.1", "5.1(side)", "7.1", "mono"])
def test_sound_of_many_loudspeakers_is_kept_or_becomes_stereo(
    tmp_path: Path, said: Said, layout: str, suffix: str
) -> None:
    clip = tmp_path / "a.mkv"
    channels = write_silent(clip, moving(5), "pcm_s24le", "s32", 96_000, layout)
    said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        [found] = written.streams.audio
        assert found.channels in (channels, 2)
        assert sum(1 for _ in written.decode(audio=0)) > 0


def test_a_camera_s_data_are_left_out_and_this_is_said(tmp_path: Path, said: Said) -> None:
    with av.open(str(tmp_path / "a.ts"), "w") as container:
        video: Any = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        container.add_data_stream("klv")
        for index, pixels in enumerate(moving(3)):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 10)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    words = said.stylize(tmp_path / "a.ts", tmp_path / "b.mp4")
    assert "its data (places, times of the camera) are left out" in words
    assert len(frames_of(tmp_path / "b.mp4")) == 3


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1000)])
def test_what_is_no_clip_is_one_line(tmp_path: Path, said: Said, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    words = said.stylize(tmp_path / "a.mp4", tmp_path / "b.mp4", failed=1)
    assert words.strip().count("\n") == 0
    assert "neither a picture nor a clip" in words


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
    assert words.strip() == ""
    found = alpha_of(tmp_path / f"b{suffix}")
    assert found[:, :30].max() < 10
    assert found[:, 34:].min() > 245


def test_interlaced_frames_are_made_whole_and_this_is_said(tmp_path: Path, said: Said) -> None:
    frames = []
    for index in range(8):  # lines of two moments: combs at the edges of what moves
        even, odd = frame((48, 64), 4 * index), frame((48, 64), 4 * index + 2)
        even[1::2] = odd[1::2]
        frames.append(even)
    flags: dict[str, Any] = {"flags": "+ilme+ildct", "x264-params": "tff=1", "crf": "4"}
    clip = write(tmp_path / "a.mp4", frames, "libx264", "yuv420p", **flags)
    assert "interlaced: written as whole frames" in said.stylize(clip, tmp_path / "b.mkv")
    found = frames_of(tmp_path / "b.mkv")
    assert len(found) == 8
    with av.open(str(tmp_path / "b.mkv")) as written:
        times = [f.time for f in written.decode(video=0)]
    assert times == pytest.approx([index / 10 for index in range(8)], abs=0.002)

    def combs(pixels: Pixels) -> float:
        gray = pixels.astype(int).sum(2)
        return float(np.abs(2 * gray[9:22] - gray[8:21] - gray[10:23]).mean())

    assert combs(found[3]) < combs(frames[3]) / 3


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
    assert said.stylize(clip, tmp_path / "deep.mp4", bit_depth=10).split() == []
    with av.open(str(tmp_path / "deep.mp4")) as written:
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


def test_large_frames_go_through_strips(tmp_path: Path, make_clip: MakeClip, said: Said) -> None:
    clip = make_clip(tmp_path / "a.mp4", count=2, size=(96, 64), sound=False)
    said.stylize(clip, tmp_path / "b.mkv", tile=32)
    assert difference(frames_of(tmp_path / "b.mkv")[0], frame((96, 64), 0)) < 6


@pytest.mark.parametrize("size", [(2, 2), (17, 33), (1, 1)])
def test_small_and_odd_frames_are_written(
    tmp_path: Path, said: Said, size: tuple[int, int]
) -> None:
    pixels = np.full((*size, 3), 128, np.uint8)
    clip = write(tmp_path / "a.mkv", [pixels], "ffv1", "bgr0")
    said.stylize(clip, tmp_path / "b.mkv")
    [found] = frames_of(tmp_path / "b.mkv")
    assert abs(found.mean() - 128) < 3


def test_twelve_bits_and_times_that_jump_back_are_read(tmp_path: Path, said: Said) -> None:
    frames = [each.astype(np.uint16) * 257 for each in moving(4)]
    clip = write(tmp_path / "a.mkv", frames, "ffv1", "yuv420p12le", "rgb48le")
    said.stylize(clip, tmp_path / "b.mkv")
    assert len(frames_of(tmp_path / "b.mkv")) == 4
    parts = [write(tmp_path / f"{i}.ts", moving(4), "libx264", "yuv420p") for i in range(2)]
    (tmp_path / "c.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    said.stylize(tmp_path / "c.ts", tmp_path / "d.mp4")
    assert len(frames_of(tmp_path / "d.mp4")) >= 4


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi", ".webm"])
def test_a_section_is_what_lies_between_start_and_end(
    tmp_path: Path, make_clip: MakeClip, said: Said, suffix: str
) -> None:
    clip = make_clip(tmp_path / "a.mp4", count=40)
    words = said.stylize(clip, tmp_path / f"b{suffix}", start=1.95, end=3.05)
    assert "damaged" not in words
    found = frames_of(tmp_path / f"b{suffix}")
    assert len(found) == 11
    for index in (0, 10):
        assert difference(found[index], frame((48, 64), 20 + index)) < 8
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        first = next(written.decode(video=0)).time
    assert first == pytest.approx(0.05, abs=0.06)
    _, seconds = tone_of(tmp_path / f"b{suffix}")
    assert seconds == pytest.approx(1.1, abs=0.1)


def test_a_section_of_a_stream_without_an_index_is_whole(
    tmp_path: Path, make_clip: MakeClip, said: Said
) -> None:
    clip = make_clip(tmp_path / "a.ts", count=60)
    said.stylize(clip, tmp_path / "b.mkv", start=2.0, end=4.0)
    found = frames_of(tmp_path / "b.mkv")
    assert len(found) == 20
    assert difference(found[0], frame((48, 64), 20)) < 8
    raw = make_clip(tmp_path / "a.h264", count=30, sound=False)
    said.stylize(raw, tmp_path / "c.mkv", start=1.0)
    assert frames_of(tmp_path / "c.mkv"), "at whatever rate it is taken for"


def test_a_clip_that_begins_late_begins_at_once(
    tmp_path: Path, make_clip: MakeClip, said: Said
) -> None:
    """As recordings of broadcasts do, whose clocks have run for days."""
    plain, late = make_clip(tmp_path / "a.mp4"), tmp_path / "late.ts"
    with av.open(str(plain)) as source, av.open(str(late), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.pts is not None and packet.dts is not None:
                assert packet.time_base is not None
                shift = round(4000 / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    for suffix in (".mp4", ".avi", ".mpg"):
        said.stylize(late, tmp_path / f"b{suffix}")
        with av.open(str(tmp_path / f"b{suffix}")) as written:
            begins = [float((s.start_time or 0) * (s.time_base or 1)) for s in written.streams]
            assert max(begins) < 1, suffix
            assert abs(begins[0] - begins[1]) < 0.2, "sound and pictures together"


def test_a_clock_that_jumps_back_is_said(tmp_path: Path, make_clip: MakeClip, said: Said) -> None:
    part = make_clip(tmp_path / "a.ts").read_bytes()
    (tmp_path / "twice.ts").write_bytes(part + part)
    words = said.stylize(tmp_path / "twice.ts", tmp_path / "b.mp4")
    assert "its clock jumps back: what comes again is left out" in words
    assert len(frames_of(tmp_path / "b.mp4")) >= 12


@pytest.mark.parametrize(("codec", "suffix"), [("pcm_s16le", ".mp4"), ("pcm_s16le", ".ts")])
def test_sound_that_ffmpeg_only_pretends_to_hold_is_encoded_anew(
    tmp_path: Path, said: Said, codec: str, suffix: str
) -> None:
    clip = tmp_path / "a.mkv"
    write_silent(clip, moving(1), codec, "s16", 48_000, "stereo", seconds=0.1)
    assert "encoded anew as aac" in said.stylize(clip, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as written:
        assert [s.codec_context.name for s in written.streams.audio] == ["aac"]


def test_a_gif_is_not_faster_than_browsers_show_it(tmp_path: Path, said: Said) -> None:
    clip = tmp_path / "a.mkv"
    with av.open(str(clip), "w") as container:
        video: Any = container.add_stream("libx264", rate=120)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for index, pixels in enumerate(moving(24)):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 120)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    said.stylize(clip, tmp_path / "b.gif")
    with av.open(str(tmp_path / "b.gif")) as written:
        times = [float(f.time) for f in written.decode(video=0)]
    assert np.diff(times).min() >= 0.0199
    assert times[-1] == pytest.approx(0.19, abs=0.03)


def test_a_section_after_the_end_is_refused(
    tmp_path: Path, make_clip: MakeClip, said: Said
) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    assert "ends after 1.2 s, before --start 5" in said.stylize(
        clip, tmp_path / "b.mp4", failed=1, start=5
    )


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mpg"])
def test_a_better_quality_takes_more_bytes(tmp_path: Path, said: Said, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 20, (30, 96, 128, 3), dtype=np.uint8)
    frames = [each + grain for each, grain in zip(moving(30, (96, 128)), noise, strict=True)]
    clip = write(tmp_path / "a.mkv", frames, "ffv1", "bgr0")
    sizes = []
    for quality in (20, None, 95):
        said.stylize(clip, tmp_path / f"b{quality}{suffix}", quality=quality)
        sizes.append((tmp_path / f"b{quality}{suffix}").stat().st_size)
    assert sizes == sorted(set(sizes))
