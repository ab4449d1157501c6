import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faststyle.losses.grid import grid_energy


def _wave(period: float, height: int = 128, width: int = 128) -> torch.Tensor:
    columns = torch.arange(width, dtype=torch.float64)
    wave = 0.5 + 0.1 * torch.cos(2 * math.pi * columns / period)
    return wave.expand(1, 3, height, width)


@pytest.mark.parametrize(("period", "power"), [(4, 0.1**2 / 2), (2, 0.1**2)])
def test_a_pattern_of_the_strides_counts_with_all_its_energy(period: float, power: float) -> None:
    assert grid_energy(_wave(period)).item() == pytest.approx(power)


@pytest.mark.parametrize("period", [3, 5, 8, 16])
def test_other_patterns_leave_less_than_a_hundredth(period: float) -> None:
    assert grid_energy(_wave(period)).item() < 0.01 * 0.1**2 / 2


def test_strokes_that_do_not_repeat_leave_1_of_256_of_their_energy() -> None:
    noise = torch.randn(8, 3, 256, 256, generator=torch.Generator().manual_seed(0)).double()
    # The mean over the places takes a sixteenth of that away again.
    assert grid_energy(noise).mean().item() == pytest.approx(15 / 16 / 256, rel=0.05)


def test_a_step_from_black_to_white_leaves_some_thousandths() -> None:
    picture = torch.zeros(1, 3, 64, 64, dtype=torch.float64)
    picture[..., 30:] = 1
    assert 0 < grid_energy(picture).item() < 2e-3


def test_it_is_the_power_at_multiples_of_a_quarter_of_the_sampling_rate() -> None:
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)).double()
    power = np.abs(np.fft.fft2(pictures.numpy()) / 64**2) ** 2
    at_strides = power[..., ::16, ::16].sum((-2, -1)) - power[..., 0, 0]
    np.testing.assert_allclose(grid_energy(pictures), at_strides.mean(1), rtol=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 80), st.integers(1, 80))
def test_it_is_finite_at_any_size(height: int, width: int) -> None:
    pictures = torch.rand(2, 3, height, width)
    found = grid_energy(pictures)
    assert found.shape == (2,)
    assert torch.isfinite(found).all()
    assert (found >= 0).all()
