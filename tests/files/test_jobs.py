import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.files.clip_formats import is_clip
from faststyle.files.jobs import Job, check_formats, plan
from faststyle.files.options import ReadOptions, WriteOptions
from faststyle.images.files import load_picture_bytes, save_picture
from faststyle.images.pixels import Picture

MakePhoto = Callable[..., Path]


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
    save_picture(Picture(torch.zeros(3, 4, 4)), tmp_path / "a.night.jpg")
    assert [j.source.name for j in plan([str(tmp_path)], None, "night")] == ["a.jpg"]


def test_an_output_folder_among_the_photos_is_not_stylized_again(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    photo = make_photo(tmp_path / "a.jpg")
    make_photo(tmp_path / "out" / "a.jpg")
    jobs = plan([str(tmp_path)], str(tmp_path / "out"), "night")
    assert jobs == [Job(photo, tmp_path / "out" / "a.jpg")]


def test_a_format_that_cannot_be_written_becomes_png(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jp2")
    [job] = plan([str(tmp_path / "a.jp2")], None, "night")
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


def test_what_is_called_like_a_picture_is_one_and_else_what_is_in_a_file_counts(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    assert not any(
        is_clip(tmp_path / name) for name in ("a.jpg", "a.PNG", "a.gif", "a.heic", "a.NEF")
    )
    photo = make_photo(tmp_path / "a.jpg").read_bytes()
    for name in ("photo", "photo.jpg_large", "photo.jpg?w=600", "Mr. Smith", "clip.mp4"):
        (tmp_path / name).write_bytes(photo)
        assert not is_clip(tmp_path / name)
    for name in ("a.mp4", "a.MOV", "a.ts", "a.unknown"):
        (tmp_path / name).write_bytes(b"no picture")
        assert is_clip(tmp_path / name)


def test_a_clip_is_not_what_is_a_picture_to_other_programs(tmp_path: Path) -> None:
    raw = tmp_path / "IMG_0001"
    raw.write_bytes(b"\0\0\0\x18ftypcrx \0\0\0\0")
    assert not is_clip(raw)
    with pytest.raises(UserError, match="a camera's raw file"):
        load_picture_bytes(raw)


def test_patterns_find_pictures_whose_names_say_nothing(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    photo = make_photo(tmp_path / "a.jpg")
    photo.rename(tmp_path / "photo")
    (tmp_path / "notes").write_text("a note")
    assert [job.source.name for job in plan([f"{tmp_path}/*"], None, "night")] == ["photo"]


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("photo", "photo.night.jpg"),
        ("photo.jpg_large", "photo.jpg_large.night.jpg"),
        ("photo.jpg?w=600", "photo.jpg?w=600.night.jpg"),
        ("Mr. Smith", "Mr. Smith.night.jpg"),
    ],
)
def test_a_picture_whose_name_says_nothing_becomes_one_of_its_format(
    tmp_path: Path, make_photo: MakePhoto, name: str, result: str
) -> None:
    make_photo(tmp_path / "a.jpg").rename(tmp_path / name)
    [job] = plan([str(tmp_path / name)], None, "night")
    assert job.target == tmp_path / result
    [job] = plan([str(tmp_path / name)], f"{tmp_path}/out/", "night")
    assert job.target == tmp_path / "out" / result.replace(".night", "")


def test_what_other_styles_made_of_a_folder_is_not_stylized(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    photo = make_photo(tmp_path / "holiday.2020.jpg")
    for name in ("wave", "night-0.25-wave-0.75", "wave-0.5-night-0.5"):
        save_picture(Picture(torch.zeros(3, 4, 4)), tmp_path / f"holiday.2020.{name}.jpg")
    assert [job.source for job in plan([str(tmp_path)], None, "night", lambda: ["wave"])] == [photo]


def test_a_photo_of_ones_own_may_be_called_like_a_style(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    photo = make_photo(tmp_path / "beach.night.jpg")
    assert [job.source for job in plan([str(tmp_path)], None, "night")] == [photo]


def test_two_pictures_that_both_become_png_get_two_names(tmp_path: Path) -> None:
    for name in ("a.jp2", "a.png"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    jobs = plan([str(tmp_path / "a.png"), str(tmp_path / "a.jp2")], None, "night")
    assert [job.target.name for job in jobs] == ["a.night.png", "a.jp2.night.png"]
    jobs = plan([str(tmp_path)], str(tmp_path / "out"), "night")
    assert [job.target.name for job in jobs] == ["a.jp2.png", "a.png"]


@pytest.mark.parametrize("name", ["a.gif", "a.avif", "a.webp"])
def test_a_picture_keeps_its_format(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / name)
    [job] = plan([str(tmp_path / name)], None, "night")
    assert job.target == tmp_path / f"a.night{job.source.suffix}"
    (tmp_path / name).rename(tmp_path / "photo")
    [job] = plan([str(tmp_path / "photo")], None, "night")
    assert job.target == tmp_path / f"photo.night{Path(name).suffix}"


def test_a_name_that_would_be_too_long_is_shortened(tmp_path: Path, make_photo: MakePhoto) -> None:
    photo = make_photo(tmp_path / f"{'é' * 120}.jpg")
    [job] = plan([str(tmp_path)], None, "night")
    assert job.source == photo
    assert len(os.fsencode(job.target.name)) <= 255
    assert job.target.name.endswith(".night.jpg")


def test_a_name_that_is_empty_is_not_the_working_folder(
    tmp_path: Path, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = str(make_photo(tmp_path / "a.jpg"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="an input's name is empty"):
        plan([""], None, "night")
    with pytest.raises(UserError, match="--output is empty"):
        plan([photo], "", "night")


def test_no_file_is_made_beside_a_device(tmp_path: Path, make_photo: MakePhoto) -> None:
    with pytest.raises(UserError, match="cannot write /dev/null"):
        plan([str(make_photo(tmp_path / "a.jpg"))], "/dev/null", "night")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="a pipe or a device"):
        plan([str(tmp_path / "pipe")], None, "night")


def test_one_output_file_for_two_inputs_is_refused(tmp_path: Path, make_photo: MakePhoto) -> None:
    photos = [str(make_photo(tmp_path / name)) for name in ("a.jpg", "b.jpg")]
    with pytest.raises(UserError, match="is one file, and there are 2 inputs"):
        plan(photos, str(tmp_path / "res.png"), "night")
    assert not (tmp_path / "res.png").exists()


def test_a_clip_that_is_called_like_a_picture_is_one(tmp_path: Path) -> None:
    """GIFs of programs for messages are often MP4."""
    for name in ("a.gif", "b.jpg"):
        (tmp_path / name).write_bytes(b"\0\0\0\x20ftypisom\0\0\2\0")
    jobs = plan([str(tmp_path)], None, "night")
    assert all(job.is_clip for job in jobs)
    assert [job.target.name for job in jobs] == ["a.night.gif", "b.night.mp4"]


def test_a_picture_that_is_called_like_a_clip_is_one(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").rename(tmp_path / "a.mp4")
    [job] = plan([str(tmp_path / "a.mp4")], None, "night")
    assert not job.is_clip
    assert job.target.name == "a.mp4.night.gif"


@pytest.mark.parametrize("name", ["a.jp2", "a.xyz", "a.mp4"])
def test_a_format_that_is_not_written_is_said_before_the_work(
    tmp_path: Path, make_photo: MakePhoto, name: str
) -> None:
    photo = make_photo(tmp_path / "photo.jpg")
    with pytest.raises(UserError, match="cannot write"):
        plan([str(photo)], str(tmp_path / name), "night")


def test_an_input_is_not_overwritten_through_a_link(tmp_path: Path, make_photo: MakePhoto) -> None:
    photo = make_photo(tmp_path / "a.jpg")
    (tmp_path / "hard.jpg").hardlink_to(photo)
    (tmp_path / "soft.jpg").symlink_to(photo)
    for name in ("hard.jpg", "soft.jpg"):
        with pytest.raises(UserError, match="is an input"):
            plan([str(photo)], str(tmp_path / name), "night")


def test_pictures_in_formats_that_are_not_read_are_counted(
    tmp_path: Path, make_photo: MakePhoto, caplog: pytest.LogCaptureFixture
) -> None:
    make_photo(tmp_path / "a.jpg")
    for name in ("b.nef", "c.NEF", "d.dng"):
        (tmp_path / name).touch()
    plan([str(tmp_path)], None, "night")
    assert "2 .nef (a camera's raw file" in caplog.text
    assert "1 .dng" in caplog.text


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


@pytest.mark.parametrize("name", ["b.jpg", "b.webp", "b.bmp"])
def test_a_format_of_8_bits_is_refused_where_16_are_asked_for(
    tmp_path: Path, make_photo: MakePhoto, name: str
) -> None:
    job = Job(make_photo(tmp_path / "a.png"), tmp_path / name)
    with pytest.raises(UserError, match=f"--bit-depth 16 is for PNG and TIFF, and .*{name} would"):
        check_formats([job], ReadOptions(), WriteOptions(bit_depth=16))
    check_formats([job], ReadOptions(), WriteOptions(bit_depth=8))


@pytest.mark.parametrize("name", ["b.png", "b.tif", "b.webp", "b.bmp"])
def test_what_is_lossless_anyway_may_be_asked_to_be(
    tmp_path: Path, make_photo: MakePhoto, name: str
) -> None:
    photo = make_photo(tmp_path / "a.png")
    job, jpeg = Job(photo, tmp_path / name), Job(photo, tmp_path / "b.jpg")
    check_formats([job], ReadOptions(), WriteOptions(lossless=True))
    with pytest.raises(UserError, match=r"--lossless is for WebP, and .*b\.jpg would be JPEG"):
        check_formats(
            [Job(photo, tmp_path / name), jpeg], ReadOptions(), WriteOptions(lossless=True)
        )


@pytest.mark.parametrize("options", [WriteOptions(bit_depth=16), WriteOptions(lossless=True)])
def test_clips_have_neither_16_bits_nor_every_pixel(tmp_path: Path, options: WriteOptions) -> None:
    job = Job(tmp_path / "a.mp4", tmp_path / "a.night.mp4", is_clip=True)
    with pytest.raises(UserError, match=r"a\.night\.mp4 would be a clip"):
        check_formats([job], ReadOptions(), options)


def test_16_bits_need_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(UserError, match=r'pip install "faststyle\[depth\]"'):
        check_formats([], ReadOptions(), WriteOptions(bit_depth=16))


def test_ten_bits_are_for_clips_of_formats_that_hold_them(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    ten = WriteOptions(bit_depth=10)
    photo, clip = make_photo(tmp_path / "a.png"), tmp_path / "a.mp4"
    clip.touch()
    check_formats([Job(clip, tmp_path / "b.mkv", is_clip=True)], ReadOptions(), ten)
    with pytest.raises(UserError, match=r"--bit-depth 10: .*b\.gif would have 8; use one of \.mp4"):
        check_formats([Job(clip, tmp_path / "b.gif", is_clip=True)], ReadOptions(), ten)
    with pytest.raises(UserError, match=r"--bit-depth 10 is for clips, and .*a\.png is a picture"):
        check_formats([Job(photo, tmp_path / "b.png")], ReadOptions(), ten)
