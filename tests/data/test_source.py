import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.data.source import PhotoSet, UnavailableError


class Numbered(PhotoSet):
    """Photos of one gray each, some of which cannot be read."""

    def __init__(self, count: int, bad: set[int], error: type[UserError] = UserError) -> None:
        super().__init__(count, 8)
        self.bad, self.error = bad, error

    def decode(self, position: int) -> Tensor:
        if position in self.bad:
            raise self.error(f"photo {position}")
        return torch.full((3, 12, 10), position, dtype=torch.uint8)


def _shown(photos: PhotoSet) -> list[int]:
    return [int(photos.center_crop(i)[0, 0, 0]) for i in range(len(photos))]


def test_photos_that_cannot_be_read_are_replaced_by_various_ones() -> None:
    photos = Numbered(40, set(range(20)))
    shown = _shown(photos)
    assert shown[20:] == list(range(20, 40))
    assert set(shown[:20]) <= set(range(20, 40))
    assert len(set(shown[:20])) > 8
    assert int(photos.unreadable.sum()) == 20


@given(st.sets(st.integers(0, 29), max_size=29), st.integers(0, 29))
def test_what_replaces_a_photo_does_not_depend_on_what_was_found_before(
    bad: set[int], first: int
) -> None:
    whole, resumed = Numbered(30, bad), Numbered(30, bad)
    expected = _shown(whole)
    assert [int(resumed.center_crop(i)[0, 0, 0]) for i in range(first, 30)] == expected[first:]


def test_photos_that_cannot_be_had_now_are_not_skipped() -> None:
    photos = Numbered(4, {1}, UnavailableError)
    with pytest.raises(UnavailableError):
        photos.random_crop(1, np.random.default_rng(0))
    assert not photos.unreadable.any()


def test_if_none_can_be_read_it_says_so() -> None:
    with pytest.raises(UserError, match="none of the 3 photos"):
        Numbered(3, {0, 1, 2}).center_crop(1)


def test_where_there_is_no_shared_memory_photos_are_read_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Tensor) -> Tensor:
        raise RuntimeError("unable to open shared memory object </torch_1> in read-write mode")

    monkeypatch.setattr(Tensor, "share_memory_", fail)
    assert _shown(Numbered(3, {1}))[::2] == [0, 2]
