import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from faststyle.training.style.several_styles import PerStyleMeter, StyleSampler


@given(st.integers(0, 1000), st.integers(1, 9), st.integers(0, 200))
def test_of_as_many_photos_as_styles_each_gets_one(seed: int, count: int, turn: int) -> None:
    order = StyleSampler([1.0] * count, seed)
    found = order.at(range(turn * count, (turn + 1) * count))
    assert sorted(found.tolist()) == list(range(count))


@given(st.integers(0, 1000), st.integers(0, 500), st.integers(1, 20))
def test_the_style_of_a_place_does_not_depend_on_what_else_is_asked(
    seed: int, first: int, count: int
) -> None:
    order = StyleSampler([1.0, 2.0, 0.5], seed)
    together = order.at(range(first, first + count)).tolist()
    assert together == [order.at([place]).item() for place in range(first, first + count)]


@given(
    st.integers(0, 1000),
    st.lists(st.floats(0.1, 10), min_size=1, max_size=9),
    st.integers(0, 200),
)
def test_in_every_turn_each_gets_its_share_but_for_a_part_of_one(
    seed: int, shares: list[float], turn: int
) -> None:
    count = len(shares)
    styles = StyleSampler(shares, seed).at(range(turn * count, (turn + 1) * count))
    found = np.bincount(styles.numpy(), minlength=count)
    expected = np.array(shares) / sum(shares) * count
    assert (np.abs(found - expected) < 1 + 1e-9).all()


def test_in_the_long_run_styles_get_their_shares() -> None:
    shares = np.array([1.0, 3.0, 0.5, 0.5])
    found = np.bincount(StyleSampler(shares.tolist(), 0).at(range(4000)).numpy(), minlength=4)
    assert found / 4000 == pytest.approx(shares / shares.sum(), abs=0.02)


def test_another_seed_is_another_order_and_turns_differ() -> None:
    orders = [StyleSampler([1.0] * 12, seed) for seed in (0, 1)]
    first, second = (order.at(range(120)).view(10, 12) for order in orders)
    assert not first.equal(second)
    assert len({tuple(turn.tolist()) for turn in first}) == 10


def test_it_is_the_mean_of_each_style_since_it_was_asked_for() -> None:
    means = PerStyleMeter(3)
    means.add(torch.tensor([0, 2, 0]), torch.tensor([1.0, 5.0, 2.0]))
    means.add(torch.tensor([0]), torch.tensor([6.0]))
    assert means.take(lambda sums: sums) == pytest.approx({0: 3.0, 2: 5.0})
    assert means.take(lambda sums: sums) == {}


def test_what_other_processes_saw_counts_as_much() -> None:
    def gather(sums: Tensor) -> Tensor:
        other = torch.tensor([[9.0, 8.0], [3.0, 1.0]])  # losses, pictures
        return torch.stack([sums, other])

    means = PerStyleMeter(2)
    means.add(torch.tensor([0]), torch.tensor([1.0]))
    assert means.take(gather) == pytest.approx({0: 10 / 4, 1: 8.0})
