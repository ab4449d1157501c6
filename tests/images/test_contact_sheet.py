import pytest
import torch

from faststyle.images.contact_sheet import Panel, contact_sheet
from faststyle.images.pixels import Picture


def gray(level: int, height: int, width: int, caption: str = "") -> Panel:
    return torch.full((3, height, width), level / 255), caption


def red(sheet: Picture, y: int, x: int) -> int:
    return round(255 * sheet.pixels[0, y, x].item())


def test_pictures_stand_in_rows_and_columns_on_white() -> None:
    rows = [[gray(10, 10, 20), gray(20, 10, 10)], [gray(30, 20, 20), gray(40, 5, 5)]]
    sheet = contact_sheet(rows, height=10, gap=2)
    assert sheet.pixels.shape == (3, 22, 32)
    assert red(sheet, 5, 10) == 10
    assert red(sheet, 5, 27) == 20
    assert red(sheet, 17, 10) == 30
    assert red(sheet, 17, 27) == 40
    assert red(sheet, 11, 10) == 255
    assert red(sheet, 5, 21) == 255
    assert red(sheet, 17, 2) == 255, "a narrow picture stands in the middle of its column"


def test_a_short_row_leaves_its_end_white() -> None:
    sheet = contact_sheet([[gray(0, 4, 4)], [gray(0, 4, 4), gray(0, 4, 4)]], 4, gap=0)
    assert red(sheet, 2, 6) == 255
    assert red(sheet, 6, 6) == 0


def test_captions_are_written_under_their_pictures() -> None:
    rows = [[gray(0, 8, 40, "words"), gray(0, 8, 40)], [gray(0, 8, 40)]]
    sheet = contact_sheet(rows, 8, gap=0).pixels
    assert sheet.shape[1] > 8 + 8, "the first row has room for a caption"
    room = sheet[:, 8:-8]
    assert room[..., :40].min() < 0.5
    assert room[..., 40:].min() == 1
    assert sheet[:, -8:, :40].max() == 0, "the second row has none"


def test_no_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        contact_sheet([[]], 4)
