import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from faststyle.checkpoints import StyleMetadata, TrainedStyle
from faststyle.core.errors import UserError
from faststyle.inference.batch import Job, is_clip, plan, stylize_files
from faststyle.inference.options import StylizeOptions
from faststyle.inference.stylizer import Stylizer
from faststyle.networks import TransformNetwork
from faststyle.pictures.files import load_picture_bytes
from faststyle.pictures.picture import Picture

MakePhoto = Callable[..., Path]


@pytest.fixture
def stylizer() -> Stylizer:
    torch.manual_seed(0)
    network = TransformNetwork(width=2, blocks=0).eval()
    return Stylizer(TrainedStyle(network, StyleMetadata(style="night")), device="cpu")


def test_the_result_goes_beside_the_photo(tmp_path: Path, make_photo: MakePhoto) -> None:
    photo = make_photo(tmp_path / "a.jpg")
    assert plan([str(photo)], None, "night") == [Job(photo, tmp_path / "a.night.jpg")]


def test_output_names_a_file_for_one_photo(tmp_path: Path, make_photo: MakePhoto) -> None:
    photo = make_photo(tmp_path / "a.jpg")
    [job] = plan([str(photo)], str(tmp_path / "b.png"), "night")
    assert job.target == tmp_path / "b.png"


def test_output_names_a_folder_that_keeps_the_structure(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    make_photo(tmp_path / "in" / "a.jpg")
    make_photo(tmp_path / "in" / "deep" / "b.png")
    jobs = plan([str(tmp_path / "in")], str(tmp_path / "out"), "night")
    assert [j.target for j in jobs] == [tmp_path / "out/a.jpg", tmp_path / "out/deep/b.png"]


def test_patterns_are_expanded(tmp_path: Path, make_photo: MakePhoto) -> None:
    for name in ("a.jpg", "b.jpg", "c.png"):
        make_photo(tmp_path / name)
    jobs = plan([str(tmp_path / "*.jpg")], None, "night")
    assert [j.source.name for j in jobs] == ["a.jpg", "b.jpg"]


def test_results_of_an_earlier_run_are_not_stylized_again(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    make_photo(tmp_path / "a.jpg")
    make_photo(tmp_path / "a.night.jpg")
    assert [j.source.name for j in plan([str(tmp_path)], None, "night")] == ["a.jpg"]


def test_an_output_folder_among_the_photos_is_not_stylized_again(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    photo = make_photo(tmp_path / "a.jpg")
    make_photo(tmp_path / "out" / "a.jpg")
    jobs = plan([str(tmp_path)], str(tmp_path / "out"), "night")
    assert jobs == [Job(photo, tmp_path / "out" / "a.jpg")]


def test_a_format_that_cannot_be_written_becomes_png(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.gif")
    [job] = plan([str(tmp_path / "a.gif")], None, "night")
    assert job.target.name == "a.night.png"


@pytest.mark.parametrize("output", ["a.jpg", "."])
def test_an_input_is_never_overwritten(tmp_path: Path, make_photo: MakePhoto, output: str) -> None:
    photo = make_photo(tmp_path / "a.jpg")
    with pytest.raises(UserError, match="is an input"):
        plan([str(photo)], str(tmp_path / output), "night")


def test_two_results_of_one_name_are_refused(tmp_path: Path, make_photo: MakePhoto) -> None:
    photos = [str(make_photo(tmp_path / d / "a.jpg")) for d in ("x", "y")]
    with pytest.raises(UserError, match="would both become"):
        plan(photos, str(tmp_path / "out"), "night")


@pytest.mark.parametrize(("name", "message"), [("absent.jpg", "no such"), ("", "no pictures")])
def test_inputs_without_pictures_are_an_error(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan([str(tmp_path / name)], None, "night")


@pytest.mark.parametrize("batch_size", [1, 3])
def test_one_bad_file_does_not_stop_the_rest(
    tmp_path: Path,
    make_photo: MakePhoto,
    stylizer: Stylizer,
    capsys: pytest.CaptureFixture[str],
    batch_size: int,
) -> None:
    folder = tmp_path / "in"
    for i, name in enumerate(("a.jpg", "c.jpg", "d.jpg")):
        make_photo(folder / name, width=40 + 8 * (i // 2), seed=i)
    (folder / "b.jpg").write_text("broken")
    jobs = plan([str(folder)], str(tmp_path / "out"), "night")
    assert stylize_files(stylizer, jobs, StylizeOptions(batch_size=batch_size)) == 1
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.jpg", "c.jpg", "d.jpg"]
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert "b.jpg" in errors[0]


def test_batches_give_the_same_pictures_as_one_by_one(
    tmp_path: Path, make_photo: MakePhoto, stylizer: Stylizer
) -> None:
    for i in range(5):
        make_photo(tmp_path / "in" / f"{i}.png", seed=i)
    pictures = []
    for size in (1, 2):
        jobs = plan([str(tmp_path / "in")], str(tmp_path / f"out{size}"), "night")
        stylize_files(stylizer, jobs, StylizeOptions(batch_size=size))
        pictures.append(torch.stack([load_picture_bytes(job.target).pixels for job in jobs]).int())
    assert (pictures[0] - pictures[1]).abs().max() <= 1, "but for rounding"


def test_an_interrupted_batch_finishes_the_picture_in_hand_and_leaves_nothing_half_written(
    tmp_path: Path,
    make_photo: MakePhoto,
    stylizer: Stylizer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for i in range(5):
        make_photo(tmp_path / "in" / f"{i}.png", seed=i)
    jobs = plan([str(tmp_path / "in")], str(tmp_path / "out"), "night")
    stylize, calls = stylizer.stylize, iter(range(5))

    def interrupted(*args: Any, **more: Any) -> list[Picture]:
        if next(calls) == 1:  # while the second is stylized
            signal.raise_signal(signal.SIGTERM)
        return stylize(*args, **more)

    monkeypatch.setattr(stylizer, "stylize", interrupted)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        stylize_files(stylizer, jobs, StylizeOptions())
    assert signal.getsignal(signal.SIGTERM) == before
    assert "2 of 5 pictures are done" in capsys.readouterr().err
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["0.png", "1.png"]
    assert all(load_picture_bytes(job.target).pixels.shape == (3, 40, 48) for job in jobs[:2])


def test_a_signal_while_the_last_picture_is_stylized_changes_nothing(
    tmp_path: Path, make_photo: MakePhoto, stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(make_photo(tmp_path / "a.png"), tmp_path / "b.png")
    stylize = stylizer.stylize

    def interrupted(*args: Any, **more: Any) -> list[Picture]:
        signal.raise_signal(signal.SIGINT)
        return stylize(*args, **more)

    monkeypatch.setattr(stylizer, "stylize", interrupted)
    assert stylize_files(stylizer, [job], StylizeOptions()) == 0
    assert job.target.exists()


def test_clips_are_known_by_their_names() -> None:
    clips = ["a.mp4", "a.MOV", "a.mkv", "a.webm", "a.mpg", "a.ts", "a.m2ts", "a.unknown"]
    assert all(is_clip(Path(name)) for name in clips)
    assert not any(is_clip(Path(name)) for name in ("a.jpg", "a.PNG", "a.gif", "a.tga", "a.heic"))


def test_a_clip_keeps_its_format_if_it_can_be_written(tmp_path: Path) -> None:
    for name in ("a.mkv", "b.mts"):
        (tmp_path / name).touch()
    jobs = plan([str(tmp_path / name) for name in ("a.mkv", "b.mts")], None, "night")
    assert [job.target.name for job in jobs] == ["a.night.mkv", "b.night.mp4"]


def test_patterns_find_clips_and_folders_only_pictures(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    (tmp_path / "a.mp4").touch()
    photo = make_photo(tmp_path / "b.jpg")
    assert [job.source for job in plan([str(tmp_path / "*")], None, "x")] == [
        tmp_path / "a.mp4",
        photo,
    ]
    assert [job.source for job in plan([str(tmp_path)], None, "x")] == [photo]
