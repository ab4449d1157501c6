"""Animated pictures are stylized frame by frame, and stay animated."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from faststyle.files.batch import stylize_files
from faststyle.files.jobs import Job, plan
from faststyle.images.files import read_frames
from faststyle.images.formats import FORMATS
from faststyle.images.pixels import Picture, to_unit
from faststyle.images.probe import probe
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.stylize.options import RenderOptions
from faststyle.stylize.regions import Regions
from faststyle.stylize.stylizer import Stylizer
from faststyle.stylize.upscaler import Upscaler
from tests.pipelines import file_pipeline
from tests.upscalers import upscaler_style

MakePhoto = Callable[..., Path]


@pytest.fixture
def stylizer() -> Stylizer:
    torch.manual_seed(0)
    network = TransformNetwork(width=2, blocks=0).eval()
    return Stylizer(TrainedStyle(network, StyleMetadata(style="night")), device="cpu")


def _animation(path: Path, **options: Any) -> Path:
    """Three frames, shown twice, each for another time."""
    path.parent.mkdir(exist_ok=True)
    first, *more = (Image.linear_gradient("L").resize((40, 32)).rotate(90 * i) for i in range(3))
    loop = 1 if path.suffix == ".gif" else 2
    shown: dict[str, Any] = {"duration": [50, 100, 200], "loop": loop, "lossless": True}
    first.convert("RGB").save(
        path,
        save_all=True,
        append_images=[each.convert("RGB") for each in more],
        **shown | options,
    )
    return path


@pytest.mark.parametrize("ending", [".webp", ".png"])
def test_each_frame_becomes_what_it_would_as_a_picture(
    tmp_path: Path, stylizer: Stylizer, ending: str
) -> None:
    source = _animation(tmp_path / f"a{ending}")
    [job] = plan([str(source)], None, "night")
    assert stylize_files(file_pipeline(stylizer, size=24, lossless=True), [job]) == 0
    assert job.target == tmp_path / f"a.night{ending}"
    assert probe(job.target).plays == 2
    found, expected = list(read_frames(job.target)), list(read_frames(source))
    assert [duration for _, duration in found] == [50, 100, 200]
    for (frame, _), (photo, _) in zip(found, expected, strict=True):
        [result] = stylizer.process([photo], RenderOptions(size=24))
        assert frame.pixels.equal(result.pixels)


def test_a_gif_stays_one(
    tmp_path: Path, stylizer: Stylizer, capsys: pytest.CaptureFixture[str]
) -> None:
    [job] = plan([str(_animation(tmp_path / "a.gif"))], None, "night")
    assert stylize_files(file_pipeline(stylizer, strength=0), [job]) == 0
    assert job.target == tmp_path / "a.night.gif"
    assert probe(job.target).plays == 2
    for (frame, shown), (photo, before) in zip(
        read_frames(job.target), read_frames(job.source), strict=True
    ):
        assert shown == before
        assert (to_unit(frame.pixels) - to_unit(photo.pixels)).abs().mean() < 0.02
    said = capsys.readouterr()
    assert said.out == f"{job.target}\n"
    assert "frames" not in said.err
    [again] = plan([str(tmp_path)], None, "night")
    assert again.source == job.source, "what the style made is known by what the file says"


def test_another_format_may_be_asked_for(tmp_path: Path, stylizer: Stylizer) -> None:
    job = Job(_animation(tmp_path / "a.gif"), tmp_path / "b.webp")
    assert stylize_files(file_pipeline(stylizer), [job]) == 0
    assert [shown for _, shown in read_frames(job.target)] == [50, 100, 200]
    assert probe(job.target).plays == 2


@pytest.mark.skipif(not FORMATS["AVIF"].is_available, reason="this Pillow has no AVIF")
def test_an_avif_moves_on_and_what_it_cannot_keep_is_said(
    tmp_path: Path, stylizer: Stylizer, capsys: pytest.CaptureFixture[str]
) -> None:
    [job] = plan([str(_animation(tmp_path / "a.avif", lossless=False))], None, "night")
    assert stylize_files(file_pipeline(stylizer, size=24), [job]) == 0
    assert job.target == tmp_path / "a.night.avif"
    assert [shown for _, shown in read_frames(job.target)] == [50, 100, 200]
    assert capsys.readouterr().err == ""
    again = Job(_animation(tmp_path / "b.gif"), tmp_path / "c.avif")
    assert stylize_files(file_pipeline(stylizer), [again]) == 0
    assert "c.avif: AVIF is shown again and again" in capsys.readouterr().err


@pytest.mark.parametrize(("source", "target"), [("a.gif", "b.jpg"), ("a.tif", "b.tif")])
def test_where_one_frame_is_stylized_that_is_said(
    tmp_path: Path,
    stylizer: Stylizer,
    capsys: pytest.CaptureFixture[str],
    source: str,
    target: str,
) -> None:
    job = Job(_animation(tmp_path / source), tmp_path / target)
    assert stylize_files(file_pipeline(stylizer), [job]) == 0
    assert f"{source}: 1 of 3 frames is read" in capsys.readouterr().err


@pytest.mark.parametrize("batch_size", [1, 3])
def test_an_animation_among_photos_is_one_picture_of_a_batch(
    tmp_path: Path,
    make_photo: MakePhoto,
    stylizer: Stylizer,
    capsys: pytest.CaptureFixture[str],
    batch_size: int,
) -> None:
    for name in ("a.png", "c.png", "e.png"):
        make_photo(tmp_path / "in" / name, width=40, height=32)
    _animation(tmp_path / "in" / "b.png")
    whole = _animation(tmp_path / "in" / "d.png").read_bytes()
    (tmp_path / "in" / "d.png").write_bytes(whole[: 3 * len(whole) // 4])
    jobs = plan([str(tmp_path / "in")], str(tmp_path / "out"), "night")
    assert stylize_files(file_pipeline(stylizer, batch_size=batch_size), jobs) == 1
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["a.png", "b.png", "c.png", "e.png"]
    assert len(list(read_frames(tmp_path / "out" / "b.png"))) == 3
    assert "d.png is truncated or corrupt" in capsys.readouterr().err


def test_the_pixels_of_all_frames_are_limited_before_the_work(
    tmp_path: Path,
    stylizer: Stylizer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = Job(_animation(tmp_path / "a.gif"), tmp_path / "b.gif")
    monkeypatch.setattr("faststyle.files.batch.MAX_PIXELS", 2 * 40 * 32)
    assert stylize_files(file_pipeline(stylizer), [job]) == 1
    assert "a.gif: 3 frames of 40 x 32 are too many pixels" in capsys.readouterr().err
    assert stylize_files(file_pipeline(stylizer, size=20), [job]) == 0
    assert stylize_files(file_pipeline(stylizer, max_pixels=3 * 40 * 32), [job]) == 0


def test_an_interrupted_animation_is_not_written(
    tmp_path: Path,
    stylizer: Stylizer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = Job(_animation(tmp_path / "in" / "a.gif"), tmp_path / "out" / "a.gif")
    process, calls = stylizer.process, iter(range(3))

    def interrupted(*args: Any, **more: Any) -> list[Picture]:
        if next(calls) == 1:
            signal.raise_signal(signal.SIGTERM)
        return process(*args, **more)

    monkeypatch.setattr(stylizer, "process", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stylize_files(file_pipeline(stylizer), [job])
    assert "0 of 1 pictures are done" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())
    assert next(calls) == 2, "the third frame was not begun"


def test_a_mask_is_for_all_frames(tmp_path: Path, stylizer: Stylizer) -> None:
    source = _animation(tmp_path / "a.png")
    mask = Image.new("L", (40, 32))
    mask.paste(255, (0, 0, 20, 32))
    mask.save(tmp_path / "mask.png")
    job = Job(source, tmp_path / "b.png", (tmp_path / "mask.png",))
    assert stylize_files(file_pipeline(Regions([stylizer])), [job]) == 0
    for (frame, _), (photo, _) in zip(read_frames(job.target), read_frames(source), strict=True):
        assert frame.pixels[..., 20:].equal(photo.pixels[..., 20:])
        assert not frame.pixels[..., :20].equal(photo.pixels[..., :20])


def test_all_frames_are_enlarged(tmp_path: Path) -> None:
    job = Job(_animation(tmp_path / "a.gif"), tmp_path / "b.gif")
    assert stylize_files(file_pipeline(Upscaler(upscaler_style(2), device="cpu")), [job]) == 0
    frames = [frame.pixels.shape for frame, _ in read_frames(job.target)]
    assert frames == [(3, 2 * 32, 2 * 40)] * 3


def test_16_bits_are_refused_for_an_animation(
    tmp_path: Path, stylizer: Stylizer, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(_animation(tmp_path / "a.png"), tmp_path / "b.png")
    assert stylize_files(file_pipeline(stylizer, bit_depth=16), [job]) == 1
    assert "--bit-depth 16 is for single pictures" in capsys.readouterr().err
