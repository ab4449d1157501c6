import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.files.batch import stylize_files
from faststyle.files.jobs import Job, plan
from faststyle.images.files import load_picture_bytes
from faststyle.images.pixels import Picture
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.stylize.stylizer import Stylizer
from faststyle.stylize.upscaler import Upscaler
from tests.pipelines import file_pipeline
from tests.sixteen import photo
from tests.upscalers import upscaler_style

MakePhoto = Callable[..., Path]


@pytest.fixture
def stylizer() -> Stylizer:
    torch.manual_seed(0)
    network = TransformNetwork(width=2, blocks=0).eval()
    return Stylizer(TrainedStyle(network, StyleMetadata(style="night")), device="cpu")


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
    assert stylize_files(file_pipeline(stylizer, batch_size=batch_size), jobs) == 1
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
        stylize_files(file_pipeline(stylizer, batch_size=size), jobs)
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
    process, calls = stylizer.process, iter(range(5))

    def interrupted(*args: Any, **more: Any) -> list[Picture]:
        if next(calls) == 1:  # while the second is stylized
            signal.raise_signal(signal.SIGTERM)
        return process(*args, **more)

    monkeypatch.setattr(stylizer, "process", interrupted)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        stylize_files(file_pipeline(stylizer), jobs)
    assert signal.getsignal(signal.SIGTERM) == before
    assert "2 of 5 pictures are done" in capsys.readouterr().err
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["0.png", "1.png"]
    assert all(load_picture_bytes(job.target).pixels.shape == (3, 40, 48) for job in jobs[:2])


def test_a_signal_while_the_last_picture_is_stylized_changes_nothing(
    tmp_path: Path, make_photo: MakePhoto, stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(make_photo(tmp_path / "a.png"), tmp_path / "b.png")
    process = stylizer.process

    def interrupted(*args: Any, **more: Any) -> list[Picture]:
        signal.raise_signal(signal.SIGINT)
        return process(*args, **more)

    monkeypatch.setattr(stylizer, "process", interrupted)
    assert stylize_files(file_pipeline(stylizer), [job]) == 0
    assert job.target.exists()


#: A photo that was turned, whose width is negative.
ODD_EXIF = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack(
    "<HHHLlHHLHHL", 2, 0x0100, 9, 1, -5, 0x0112, 3, 1, 6, 0, 0
)


def _odd_folder(folder: Path, make_photo: MakePhoto) -> None:
    """Two sound photos, and others that are odd each in its own way."""
    make_photo(folder / "a.jpg")
    make_photo(folder / "z.jpg")
    Image.new("RGB", (40, 30)).save(folder / "exif.jpg", exif=ODD_EXIF)
    Image.new("RGB", (20_000, 4)).save(folder / "long.webp.png")
    (folder / "long.webp.png").rename(folder / "long.webp")
    (folder / "empty.png").touch()
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no picture")


def test_each_odd_file_is_named_and_the_rest_is_done(
    tmp_path: Path, make_photo: MakePhoto, stylizer: Stylizer, capsys: pytest.CaptureFixture[str]
) -> None:
    _odd_folder(tmp_path / "in", make_photo)
    (tmp_path / "out" / "z.jpg").mkdir(parents=True)
    jobs = plan([str(tmp_path / "in")], str(tmp_path / "out"), "night")
    assert stylize_files(file_pipeline(stylizer), jobs) == 4
    written = sorted(p.name for p in (tmp_path / "out").iterdir() if p.is_file())
    assert written == ["a.jpg", "exif.jpg"]
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4
    for name, problem in (
        ("long.webp", "holds no more than 16,383 pixels a side"),
        ("empty.png", "is not a picture"),
        ("broken.jpg", "is not a picture"),
        ("z.jpg", "Is a directory"),
    ):
        assert any(name in line and problem in line for line in errors), (name, errors)


def test_a_read_only_result_stays_and_a_link_is_written_through(
    tmp_path: Path, make_photo: MakePhoto, stylizer: Stylizer, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = make_photo(tmp_path / "a.jpg")
    kept, real, link = (tmp_path / f"{name}.png" for name in ("kept", "real", "link"))
    kept.write_text("mine")
    kept.chmod(0o444)
    real.touch()
    link.symlink_to(real)
    jobs = [Job(photo, kept), Job(photo, link)]
    assert stylize_files(file_pipeline(stylizer), jobs) == 1
    assert kept.read_text() == "mine"
    assert "read-only" in capsys.readouterr().err
    assert link.is_symlink()
    assert load_picture_bytes(real).pixels.shape == (3, 40, 48)


def test_a_mistake_of_ours_in_one_picture_does_not_end_the_batch(
    tmp_path: Path,
    make_photo: MakePhoto,
    stylizer: Stylizer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for i in range(3):
        make_photo(tmp_path / "in" / f"{i}.png", seed=i)
    jobs = plan([str(tmp_path / "in")], str(tmp_path / "out"), "night")
    process, odd = stylizer.process, load_picture_bytes(jobs[1].source).pixels

    def fail_at_one(pictures: Any, *args: Any, **more: Any) -> list[Picture]:
        if any(torch.equal(picture.pixels, odd) for picture in pictures):
            raise ZeroDivisionError("oh")
        return process(pictures, *args, **more)

    monkeypatch.setattr(stylizer, "process", fail_at_one)
    assert stylize_files(file_pipeline(stylizer, batch_size=3), jobs) == 1
    assert "1.png: ZeroDivisionError: oh" in capsys.readouterr().err
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["0.png", "2.png"]


def test_16_bits_stay_16_in_a_folder_of_all_kinds(
    tmp_path: Path, make_photo: MakePhoto, stylizer: Stylizer, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.png", "b.tif"):
        photo(tmp_path / "in" / name, 4)
    make_photo(tmp_path / "in" / "c.png", 56, 40)
    jobs = plan([str(tmp_path / "in")], str(tmp_path / "out"), "night")
    assert stylize_files(file_pipeline(stylizer, batch_size=3), jobs) == 0
    assert [load_picture_bytes(job.target).bit_depth for job in jobs] == [16, 16, 8]
    assert "bits" not in capsys.readouterr().err


def test_it_is_said_that_a_format_holds_8_bits_of_16(
    tmp_path: Path, stylizer: Stylizer, capsys: pytest.CaptureFixture[str]
) -> None:
    photo(tmp_path / "a.png")
    job = Job(tmp_path / "a.png", tmp_path / "b.jpg")
    assert stylize_files(file_pipeline(stylizer), [job]) == 0
    assert "a.png has 16 bits a channel; JPEG holds 8" in capsys.readouterr().err
    assert stylize_files(file_pipeline(stylizer, bit_depth=8), [job]) == 0
    assert "bits" not in capsys.readouterr().err, "as asked for"


def test_without_packages_for_16_bits_8_are_kept_and_that_is_said_once(
    tmp_path: Path,
    stylizer: Stylizer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("a.png", "b.tif"):
        photo(tmp_path / "in" / name)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    jobs = plan([str(tmp_path / "in")], str(tmp_path / "out"), "night")
    assert stylize_files(file_pipeline(stylizer), jobs) == 0
    assert capsys.readouterr().err.count('pip install "faststyle[depth]"') == 1
    for job in jobs:
        with Image.open(job.target) as image:
            assert np.asarray(image).dtype == np.uint8


def test_a_damaged_picture_of_16_bits_does_not_stop_the_rest(
    tmp_path: Path, stylizer: Stylizer, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("a.png", "b.tif", "c.png", "d.tif")
    for name in names:
        photo(tmp_path / "in" / name)
    for name in names[:2]:
        whole = (tmp_path / "in" / name).read_bytes()
        (tmp_path / "in" / name).write_bytes(whole[: len(whole) // 2])
    jobs = plan([str(tmp_path / "in")], str(tmp_path / "out"), "night")
    assert stylize_files(file_pipeline(stylizer), jobs) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert [name in line for name, line in zip(names, errors, strict=False)] == [True, True]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["c.png", "d.tif"]


def test_webp_keeps_every_pixel_if_asked_for(tmp_path: Path, stylizer: Stylizer) -> None:
    values = photo(tmp_path / "a.png")
    job = Job(tmp_path / "a.png", tmp_path / "b.webp")
    for lossless in (True, False):
        stylize_files(file_pipeline(stylizer, strength=0, lossless=lossless), [job])
        with Image.open(job.target) as image:
            assert np.array_equal(np.asarray(image), np.round(values / 257)) == lossless


def test_a_format_that_cannot_hold_an_enlarged_picture_is_refused(
    tmp_path: Path, make_photo: MakePhoto, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(make_photo(tmp_path / "a.jpg", 16_380, 8), tmp_path / "b.jpg")
    made = Upscaler(upscaler_style(4), device="cpu")
    assert stylize_files(file_pipeline(made), [job]) == 1
    assert "JPEG holds no more than 65,500 pixels a side, and this is 65,520 x 32" in (
        capsys.readouterr().err
    )


def test_what_vanishes_from_a_mask_with_the_size_is_said(
    tmp_path: Path, make_photo: MakePhoto, stylizer: Stylizer
) -> None:
    source, mask = make_photo(tmp_path / "a.png", 480, 400), tmp_path / "m.png"
    Image.new("L", (480, 400)).save(mask)
    with Image.open(mask) as dot:
        dot.putpixel((100, 100), 255)
        dot.save(mask)
    job = Job(source, tmp_path / "b.png", (mask,))
    said = []
    for size in (None, 20):
        pipeline = file_pipeline(stylizer, size=size)
        said.append(list(pipeline.notes(pipeline.load(job))))
    assert said == [[], [f"{mask} is black all over"]]
