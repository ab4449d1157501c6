import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faststyle.training.style.window import LEAST, moving_window

SIDES = st.integers(1, 400)


@given(SIDES, SIDES, st.integers(0, 400), st.integers(0, 100_000))
def test_it_is_so_many_pixels_smaller_but_no_smaller_than_the_least(
    height: int, width: int, margin: int, step: int
) -> None:
    seen = np.zeros((height, width))[moving_window(height, width, margin, 0, step)]
    for side, left in zip((height, width), seen.shape, strict=True):
        assert left == (side if side <= LEAST else max(LEAST, side - margin))


def test_each_border_is_seen_in_a_quarter_of_the_steps_and_the_middle_in_all() -> None:
    steps, size = 2000, LEAST + 40
    seen = np.zeros((size, size + 8))
    for step in range(steps):
        seen[moving_window(*seen.shape, 32, 0, step)] += 1
    for border in (seen[0], seen[-1], seen[:, 0], seen[:, -1]):
        assert border.max() / steps == pytest.approx(0.26, abs=0.04)  # with roundings to it
    assert seen[32:-32, 32:-32].min() == steps


def test_it_is_the_same_for_a_step_that_is_taken_again() -> None:
    places = {str(moving_window(256, 256, 64, 0, step)) for step in range(20)}
    assert len(places) > 10
    assert moving_window(256, 256, 64, 0, 7) == moving_window(256, 256, 64, 0, 7)


def test_another_seed_gives_other_places() -> None:
    first, second = (
        [str(moving_window(256, 256, 64, seed, step)) for step in range(20)] for seed in (0, 1)
    )
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 10
