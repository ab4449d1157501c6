"""What goes into a file beside its film comes out again, or it is said that it does not."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream

from tests.video.made import (
    RATE,
    MakeClip,
    Said,
    frame,
    frames_of,
    moving,
)


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
