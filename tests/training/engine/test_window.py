import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faststyle.training.engine.window import moving_window

SIDES = st.integers(1, 300)


@given(SIDES, SIDES, st.integers(0, 400), st.integers(0, 100_000))
def test_it_hides_so_many_pixels_of_each_side_and_at_most_half(
    height: int, width: int, hidden: int, step: int
) -> None:
    seen = np.zeros((height, width))[moving_window(height, width, hidden, step)]
    assert seen.shape == tuple(side - min(hidden, side // 2) for side in (height, width))


def test_each_border_is_seen_in_a_quarter_of_the_steps_and_the_middle_in_all() -> None:
    steps = 4000
    seen = np.zeros((64, 48))
    for step in range(steps):
        seen[moving_window(64, 48, 16, step)] += 1
    for border in (seen[0], seen[-1], seen[:, 0], seen[:, -1]):
        assert border.max() / steps == pytest.approx(0.27, abs=0.04)  # with roundings to it
    assert seen[16:-16, 16:-16].min() == steps


def test_it_is_the_same_for_a_step_that_is_taken_again() -> None:
    places = {str(moving_window(64, 64, 32, step)) for step in range(20)}
    assert len(places) > 10
    assert moving_window(64, 64, 32, 7) == moving_window(64, 64, 32, 7)


def test_without_anything_hidden_it_is_the_whole() -> None:
    assert moving_window(8, 9, 0, 3) == (..., slice(0, 8), slice(0, 9))
