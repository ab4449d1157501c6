from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.optimization.paintings import load_paintings


def test_paintings_have_the_size_of_their_strokes_and_their_weights(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    first = make_photo(tmp_path / "wave.png", width=60, height=80)
    second = make_photo(tmp_path / "a=b.png", width=80, height=60)
    found = load_paintings([f"{first}=0.25", str(second)], size=40)
    assert [tuple(each.pixels.shape) for each in found] == [(3, 53, 40), (3, 40, 53)]
    assert [each.weight for each in found] == [0.25, 1.0]
    assert [each.metadata.style for each in found] == ["wave", "a_b"]
    assert [each.metadata.style_size for each in found] == [40, 40]


def test_a_painting_called_photo_is_not_the_photo_itself(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    [found] = load_paintings([str(make_photo(tmp_path / "photo.png"))])
    assert found.metadata.name == "painting"


def _save(path: Path, image: Image.Image) -> str:
    image.save(path)
    return str(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: str(folder / "none.png"), "no such style image"),
        (lambda folder: _save(folder / "a.png", Image.new("RGB", (20, 20))), "too small"),
        (lambda folder: _save(folder / "b.png", Image.new("RGB", (90, 90), "red")), "one color"),
        (lambda folder: _save(folder / "c.png", Image.new("RGBA", (90, 90))), "one color"),
        (lambda folder: f"{folder}/d.png=many", '"many" is not a number'),
        (lambda folder: f"{folder}/d.png=-1", "0 or more"),
        (lambda folder: f"{folder}/d.png=nan", "0 or more"),
    ],
)
def test_what_is_no_painting_is_one_line(
    tmp_path: Path, make: Callable[[Path], str], message: str
) -> None:
    with pytest.raises(UserError, match=message) as failed:
        load_paintings([make(tmp_path)])
    assert "\n" not in str(failed.value)


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.jpg"
    path.write_text("no picture")
    with pytest.raises(UserError, match=r"text\.jpg"):
        load_paintings([str(path)])
