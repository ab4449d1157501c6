"""What a clip says of itself stays, but for the place; or nothing does, if that is asked for."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from tests.video.boxes import add_box, box
from tests.video.made import Said, frames_of, moving

DATE = "2024-05-06T07:08:09.000000Z"


def told(path: Path) -> Path:
    """A clip with tags of the file, of the film and of the sound."""
    with av.open(str(path), "w") as container:
        container.metadata.update(
            {
                "title": "A lake",
                "artist": "Ann",
                "copyright": "free",
                "creation_time": DATE,
                "location": "+48.1+008.2/",
                "com.apple.quicktime.location.ISO6709": "+48.1+008.2/",
            }
        )
        video: Any = container.add_stream("libx264", rate=10)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        video.metadata.update({"handler_name": "SECRETMAKER", "timecode": "01:00:00:00"})
        tone: Any = container.add_stream("aac", rate=48000, layout="mono")
        tone.metadata["language"] = "deu"
        tone.disposition = Disposition.default
        for index, pixels in enumerate(moving(4)):
            picture = av.VideoFrame.from_ndarray(pixels)
            picture.pts = index
            container.mux(video.encode(picture))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 19200), np.float32), "fltp", "mono")
        silence.sample_rate = 48000
        container.mux(video.encode(None) + tone.encode(silence) + tone.encode(None))
    kind = box(b"proj", box(b"prhd", bytes(16)), box(b"equi", bytes(20)))
    add_box(path, box(b"sv3d", box(b"svhd", bytes(5)), kind))
    return path


def tags_of(path: Path) -> tuple[dict[str, str], str]:
    """Those of the file and of its film, by names in small letters; the language of the sound."""
    with av.open(str(path)) as clip:
        tags = {**clip.streams.video[0].metadata, **clip.metadata}
        language = clip.streams.audio[0].metadata.get("language", "")
        return {name.lower(): text for name, text in tags.items()}, language


def _deu(suffix: str) -> str:
    """German has two codes, of which FFmpeg writes one into MOV alone."""
    return "ger" if suffix == ".mov" else "deu"


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_title_author_rights_and_date_stay_and_the_place_does_not(
    tmp_path: Path, said: Said, suffix: str
) -> None:
    clip = told(tmp_path / "a.mp4")
    assert "location" in tags_of(clip)[0]
    said.stylize(clip, tmp_path / f"b{suffix}")
    tags, language = tags_of(tmp_path / f"b{suffix}")
    expected = {"title": "A lake", "artist": "Ann", "copyright": "free", "creation_time": DATE}
    assert expected.items() <= tags.items()
    assert "location" not in " ".join(tags)
    assert b"+48.1" not in (tmp_path / f"b{suffix}").read_bytes()
    assert language == _deu(suffix)
    assert tags["timecode"].startswith("01:00:00:0")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts"])
def test_nothing_but_the_language_stays_if_nothing_is_to_be_kept(
    tmp_path: Path, said: Said, suffix: str
) -> None:
    clip = told(tmp_path / "a.mp4")
    words = said.stylize(clip, tmp_path / f"b{suffix}", metadata="none")
    assert "360" not in words
    assert "timecode" not in words
    content = (tmp_path / f"b{suffix}").read_bytes()
    for text in (b"A lake", b"Ann", b"2024-05-06", b"+48.1", b"SECRETMAKER", b"sv3d"):
        assert text not in content
    tags, language = tags_of(tmp_path / f"b{suffix}")
    assert not {"title", "artist", "copyright", "creation_time", "timecode"} & tags.keys()
    if suffix != ".avi":  # which knows no languages by these names
        assert language == _deu(suffix)
    assert len(frames_of(tmp_path / f"b{suffix}")) == 4
