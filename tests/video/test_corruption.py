"""Clips that no camera writes, and what is said of them."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faststyle.video.reader import Item
from faststyle.video.writer import Writer
from tests.video.made import RATE, MakeClip, Said, frames_of, moving, write


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1000)])
def test_what_is_no_clip_is_one_line(tmp_path: Path, said: Said, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    words = said.stylize(tmp_path / "a.mp4", tmp_path / "b.mp4", failed=1)
    assert words.strip().count("\n") == 0
    assert "neither a picture nor a clip" in words


def test_twelve_bits_and_times_that_jump_back_are_read(tmp_path: Path, said: Said) -> None:
    frames = [each.astype(np.uint16) * 257 for each in moving(4)]
    clip = write(tmp_path / "a.mkv", frames, "ffv1", "yuv420p12le", "rgb48le")
    said.stylize(clip, tmp_path / "b.mkv")
    assert len(frames_of(tmp_path / "b.mkv")) == 4
    parts = [write(tmp_path / f"{i}.ts", moving(4), "libx264", "yuv420p") for i in range(2)]
    (tmp_path / "c.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    said.stylize(tmp_path / "c.ts", tmp_path / "d.mp4")
    assert len(frames_of(tmp_path / "d.mp4")) >= 4


def test_a_clock_that_jumps_back_is_said(tmp_path: Path, make_clip: MakeClip, said: Said) -> None:
    part = make_clip(tmp_path / "a.ts").read_bytes()
    (tmp_path / "twice.ts").write_bytes(part + part)
    words = said.stylize(tmp_path / "twice.ts", tmp_path / "b.mp4")
    assert "its clock jumps back: what comes again is left out" in words
    assert len(frames_of(tmp_path / "b.mp4")) >= 12


def test_what_is_lost_in_the_middle_is_said(tmp_path: Path, said: Said) -> None:
    noise = np.random.default_rng(0).integers(0, 60, (60, 48, 64, 3), dtype=np.uint8)
    clip = write(tmp_path / "a.webm", list(noise), "libvpx", "yuv420p", g="10")
    data = bytearray(clip.read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = bytes(third)
    clip.write_bytes(data)
    words = said.stylize(clip, tmp_path / "b.mp4", failed=1)
    assert "damaged; " in words
    assert "but for" in words
    assert 20 < len(frames_of(tmp_path / "b.mp4")) < 50


def test_a_packet_of_nonsense_costs_the_frames_that_lean_on_it(tmp_path: Path, said: Said) -> None:
    clip = write(tmp_path / "a.mkv", moving(30), "libx264", "yuv420p", g="10", bf="0")
    with av.open(str(clip)) as source, av.open(str(tmp_path / "b.mkv"), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux() if p.size):
            sent = av.Packet(bytes(range(64))) if number == 15 else packet
            sent.pts, sent.dts, sent.time_base = packet.pts, packet.dts, packet.time_base
            sent.stream = stream
            out.mux(sent)
    words = said.stylize(tmp_path / "b.mkv", tmp_path / "c.mp4", failed=1)
    assert "damaged; " in words
    assert "clock" not in words
    assert 20 <= len(frames_of(tmp_path / "c.mp4")) < 30


def test_a_clip_without_frames_is_one_line(tmp_path: Path, said: Said) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        video: Any = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        tone: Any = container.add_stream("aac", rate=RATE)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        silence.sample_rate = RATE
        container.mux(tone.encode(silence) + tone.encode(None))
    words = said.stylize(tmp_path / "a.mp4", tmp_path / "b.mp4", failed=1)
    assert words.strip().count("\n") == 0
    assert not (tmp_path / "b.mp4").exists()


def test_a_file_that_grows_while_it_is_read_is_a_clip(
    tmp_path: Path, make_clip: MakeClip, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "a.ts", count=60)
    rest = clip.read_bytes()[len(clip.read_bytes()) // 2 :]
    with clip.open("rb+") as file:
        file.truncate(clip.stat().st_size - len(rest))
    original = Writer.write

    def write_and_grow(self: Writer, item: Item) -> None:
        nonlocal rest
        with clip.open("ab") as file:
            file.write(rest)
        rest = b""
        original(self, item)

    monkeypatch.setattr(Writer, "write", write_and_grow)
    said.stylize(clip, tmp_path / "b.mp4")
    assert 25 < len(frames_of(tmp_path / "b.mp4")) <= 60
