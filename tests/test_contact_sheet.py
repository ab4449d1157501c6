import pytest
import torch

from faststyle.contact_sheet import contact_sheet


def colour(value: float, height: int, width: int) -> torch.Tensor:
    return torch.full((3, height, width), value)


def test_pictures_stand_in_rows_and_columns_on_white() -> None:
    rows = [[colour(0.1, 10, 20), colour(0.2, 10, 10)], [colour(0.3, 20, 20), colour(0.4, 5, 5)]]
    sheet = contact_sheet(rows, height=10, gap=2)
    assert sheet.shape == (3, 22, 32)
    assert sheet[0, 5, 10] == pytest.approx(0.1)
    assert sheet[0, 5, 27] == pytest.approx(0.2)
    assert sheet[0, 17, 10] == pytest.approx(0.3)
    assert sheet[0, 17, 27] == pytest.approx(0.4)
    assert sheet[0, 11, 10] == 1
    assert sheet[0, 5, 21] == 1
    assert sheet[0, 17, 2] == 1, "a narrow picture stands in the middle of its column"


def test_a_short_row_leaves_its_end_white() -> None:
    sheet = contact_sheet([[colour(0, 4, 4)], [colour(0, 4, 4), colour(0, 4, 4)]], 4, gap=0)
    assert sheet[0, 2, 6] == 1
    assert sheet[0, 6, 6] == 0


def test_no_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        contact_sheet([[]], 4)
