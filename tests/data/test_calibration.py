from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.data.calibration import calibration_photos


def test_photos_are_drawn_without_a_folder_and_always_the_same() -> None:
    photos = calibration_photos()
    assert {photo.shape for photo in photos} == {(1, 3, 256, 256)}
    assert len(photos) == 16
    assert all(0 <= photo.min() < photo.max() <= 1 for photo in photos)
    again = calibration_photos()
    assert all(torch.equal(*pair) for pair in zip(photos, again, strict=True))


def test_of_many_photos_sixteen_are_taken_from_all_over_the_folder(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    for number in range(40):
        make_photo(tmp_path / f"{number:02}.png", width=8, height=8, seed=number)
    photos = calibration_photos(tmp_path)
    assert len(photos) == 16
    # Every second: the last of them is not among the first sixteen.
    [last] = calibration_photos(_alone(tmp_path / "30.png"))
    assert torch.equal(photos[15], last)


def test_the_middle_square_of_a_photo_is_taken(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    wide = make_photo(tmp_path / "a" / "wide.png", width=512, height=256, seed=3)
    with Image.open(wide) as picture:
        pixels = torch.from_numpy(np.array(picture.convert("RGB")))
    [found] = calibration_photos(wide.parent)
    expected = pixels[:, 128:384].permute(2, 0, 1)[None] / 255
    torch.testing.assert_close(found, expected)


def test_what_cannot_be_read_is_passed_over_and_said(
    photo_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (photo_folder / "0.jpg").write_bytes(b"no picture")
    assert len(calibration_photos(photo_folder)) == 5
    assert "passed over: " in caplog.text
    assert "0.jpg" in caplog.text


def test_a_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no picture in it could be read"):
        calibration_photos(tmp_path)
    with pytest.raises(UserError, match="there is no such folder"):
        calibration_photos(tmp_path / "absent")


def _alone(path: Path) -> Path:
    folder = path.parent / "alone"
    folder.mkdir()
    path.rename(folder / path.name)
    return folder
