from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.files.jobs import Job
from faststyle.stylize.regions import Regions
from faststyle.stylize.stylizer import Stylizer
from faststyle.video.clips import stylize_clips
from faststyle.video.mask_tracks import open_masks
from tests.video.made import frames_of
from tests.video.pipelines import clip_pipeline

MakeClip = Callable[..., Path]


def _mask_clip(path: Path, count: int, rate: int = 10, first: int = 0) -> Path:
    """White to the left of a border that moves 4 pixels to the right with each frame."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": "1"})
        video.height, video.width = 48, 64
        for index in range(first, first + count):
            pixels = np.zeros((48, 64, 3), dtype=np.uint8)
            pixels[:, : 4 * index + 4] = 255
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(video.encode(None))
    return path


def _mask(path: Path, columns: int = 32) -> Path:
    image = Image.new("L", (64, 48))
    image.paste(255, (0, 0, columns, 48))
    image.save(path)
    return path


def _border(mask: object) -> int:
    return int((np.asarray(mask)[0, 24] > 127).sum())


def test_a_clip_of_masks_moves_with_the_frames(tmp_path: Path) -> None:
    with open_masks([_mask_clip(tmp_path / "m.mp4", 10)], 0.0, None) as masks:
        borders = [_border(masks.at(time / 10, (48, 64))) for time in range(10)]
        assert borders == [4 * index + 4 for index in range(10)]
        assert masks.notes == []


def test_masks_of_another_rate_are_taken_by_their_time(tmp_path: Path) -> None:
    with open_masks([_mask_clip(tmp_path / "m.mp4", 10, rate=5)], 0.0, None) as masks:
        borders = [_border(masks.at(time / 10, (48, 64))) for time in range(10)]
    assert borders == [4 * (index // 2) + 4 for index in range(10)]


def test_masks_begin_where_the_section_does(tmp_path: Path) -> None:
    with open_masks([_mask_clip(tmp_path / "m.mp4", 10)], 0.5, None) as masks:
        assert _border(masks.at(0.0, (48, 64))) == 24


def test_after_the_last_mask_that_is_held_and_said(tmp_path: Path) -> None:
    path = _mask_clip(tmp_path / "m.mp4", 3)
    with open_masks([path], 0.0, None) as masks:
        assert _border(masks.at(2.0, (48, 64))) == 12
        assert masks.notes == [f"{path} ends early: its last mask is held"]


def test_a_clip_of_masks_is_black_only_if_all_of_them_are(tmp_path: Path) -> None:
    begins_black, black = _mask_clip(tmp_path / "m.mp4", 3, first=-1), _mask(tmp_path / "b.png", 0)
    with open_masks([begins_black, black], 0.0, None) as masks:
        for time in (0.0, 0.1):
            masks.at(time, (48, 64))
        assert masks.notes == [
            f"{black} is black all over",
            "regions leave gaps: there the photo is seen",
        ]


def test_masks_that_overlap_only_later_are_noted_too(tmp_path: Path) -> None:
    moving, still = _mask_clip(tmp_path / "m.mp4", 3, first=-1), _mask(tmp_path / "s.png")
    with open_masks([moving, still], 0.0, None) as masks:
        for time in (0.0, 0.2):
            masks.at(time, (48, 64))
        assert "regions overlap: there the later one is seen" in masks.notes


def test_a_still_mask_and_the_rest_are_the_same_all_the_time(tmp_path: Path) -> None:
    with open_masks([None, _mask(tmp_path / "m.png")], 0.0, None) as masks:
        for time in (0.0, 7.0):
            found = masks.at(time, (96, 128))
            assert found is not None
            assert [_border(each[None]) for each in found] == [128, 64]


def test_without_masks_there_are_none() -> None:
    with open_masks([], 0.0, None) as masks:
        assert masks.at(0.0, (48, 64)) is None


def test_masks_of_another_shape_are_refused(tmp_path: Path) -> None:
    with (
        open_masks([_mask(tmp_path / "m.png")], 0.0, None) as masks,
        pytest.raises(UserError, match="another shape"),
    ):
        masks.at(0.0, (64, 48))


@pytest.mark.parametrize("smooth", [0, 0.5])
def test_outside_a_mask_the_clip_stays(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, smooth: float
) -> None:
    clip, mask = make_clip(tmp_path / "a.mp4", sound=False), _mask(tmp_path / "m.png")
    job = Job(clip, tmp_path / "b.mkv", (mask,))
    assert stylize_clips(clip_pipeline(Regions([stylizer]), smooth=smooth), [job]) == 0
    for source, found in zip(frames_of(clip), frames_of(job.target), strict=True):
        difference = np.abs(found.astype(int) - source)
        assert difference[:, 36:].mean() < 3
        assert difference[:, :28].mean() > 20


def test_a_missing_mask_fails_its_clip_alone(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, mask = make_clip(tmp_path / "a.mp4", sound=False), _mask(tmp_path / "m.png")
    jobs = [
        Job(clip, tmp_path / "b.mkv", (tmp_path / "absent.png",)),
        Job(clip, tmp_path / "c.mkv", (mask,)),
    ]
    assert stylize_clips(clip_pipeline(Regions([stylizer])), jobs) == 1
    assert "there is no" in capsys.readouterr().err
    assert not (tmp_path / "b.mkv").exists()
    assert (tmp_path / "c.mkv").exists()
