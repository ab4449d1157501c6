import torch
from hypothesis import given
from hypothesis import strategies as st

from faststyle.images.pixels import in_parts


@given(st.integers(1, 5000), st.integers(1, 3_000_000))
def test_parts_have_every_row_once_and_no_more_than_a_megapixel(height: int, width: int) -> None:
    picture = torch.empty(3, height, width, device="meta")
    parts = [picture[:, part].shape[1] for part in in_parts(picture)]
    assert sum(parts) == height
    assert all(rows == 1 or rows * width <= 2**20 for rows in parts)
    assert [part.start for part in in_parts(picture)] == [
        sum(parts[:number]) for number in range(len(parts))
    ]
