from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from faststyle.networks.noise import AddNoise, smooth_noise
from faststyle.networks.stages import DEFAULT_FIELD, NoiseField

TABLE = AddNoise(1, 1).table


def _noise(period: int, first_row: int = 0, height: int = 200, width: int = 300) -> Tensor:
    return smooth_noise(TABLE, torch.arange(6).view(1, 6), period, first_row, 0, height, width)


def _formula(period: int, seed: int, row: int, column: int) -> float:
    """One pixel, by the definition: four points of the lattice and smoothstep weights."""
    table = TABLE.tolist()

    def at(y: int, x: int) -> float:
        start = table[(table[seed % 256] + y) % 256]
        drawn = table[(table[(start + x) % 256] + y) % 256]
        return float((drawn - 127.5) / np.sqrt((256**2 - 1) / 12))

    y, x = (row + 0.5) / period, (column + 0.5) / period
    (y0, v), (x0, u) = ((int(place), place % 1) for place in (y, x))
    v, u = (t * t * (3 - 2 * t) for t in (v, u))
    value = (1 - v) * ((1 - u) * at(y0, x0) + u * at(y0, x0 + 1)) + v * (
        (1 - u) * at(y0 + 1, x0) + u * at(y0 + 1, x0 + 1)
    )
    return float(value / np.sqrt(((1 - v) ** 2 + v**2) * ((1 - u) ** 2 + u**2)))


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([1, 2, 4, 8, 16]),
    st.integers(0, 5),
    st.integers(0, 500),
    st.integers(0, 19),
    st.integers(0, 29),
)
def test_each_pixel_is_its_formula(
    period: int, seed: int, first_row: int, row: int, column: int
) -> None:
    found = _noise(period, first_row, 20, 30)[0, seed, row, column].item()
    assert found == pytest.approx(_formula(period, seed, first_row + row, column), abs=1e-5)


def test_the_table_is_a_permutation_that_never_changes() -> None:
    assert sorted(TABLE.tolist()) == list(range(256))
    assert TABLE[:8].tolist() == np.random.RandomState(0).permutation(256)[:8].tolist()


@pytest.mark.parametrize("period", [1, 4])
def test_noise_has_mean_0_and_variance_1(period: int) -> None:
    found = _noise(period)
    assert found.mean().item() == pytest.approx(0, abs=0.05)
    assert found.var().item() == pytest.approx(1, rel=0.1)


def test_it_has_no_pattern() -> None:
    power = np.abs(np.fft.fft2(_noise(1, 0, 256, 256)[0].numpy())) ** 2
    power /= power.mean((1, 2), keepdims=True)
    # White noise has a largest of some ln(256^2) means; smooth weights make low frequencies four
    # times as strong, and chance may double it.
    assert power[:, :64, :64].max() < 4 * np.log(256**2) * 2


def test_fields_are_independent() -> None:
    correlations = np.corrcoef(_noise(1)[0].flatten(1).numpy())
    assert np.abs(correlations - np.eye(6)).max() < 0.06


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([1, 2, 8]), st.integers(0, 150), st.integers(1, 50))
def test_a_strip_has_the_noise_of_its_place(period: int, first_row: int, height: int) -> None:
    whole = _noise(period)
    strip = _noise(period, first_row, height)
    torch.testing.assert_close(strip, whole[:, :, first_row : first_row + height])


def test_each_channel_gets_a_weighted_sum_of_the_fields() -> None:
    layer = AddNoise(3, 2).eval()
    x = torch.rand(2, 3, 20, 24)
    fields = [
        smooth_noise(TABLE, torch.tensor([[2 * k, 2 * k + 1]]), 2**k, 7, 0, 20, 24) for k in (0, 1)
    ]
    weight = layer.weight.detach()[:, :, 0, 0].double()
    expected = torch.einsum("of,nfhw->nohw", weight, torch.cat(fields, 1).double())
    found = layer(x, DEFAULT_FIELD, 7) - x
    torch.testing.assert_close(found.double(), expected.expand(2, -1, -1, -1), atol=1e-5, rtol=0)


def test_trained_networks_add_the_same_noise_to_every_picture() -> None:
    layer = AddNoise(4, 2).eval()
    first, other = torch.zeros(1, 4, 16, 16), torch.ones(2, 4, 16, 16)
    added = layer(first)
    torch.testing.assert_close(layer(other) - 1, added.expand(2, -1, -1, -1))
    torch.testing.assert_close(layer(first, DEFAULT_FIELD, 8)[:, :, :8], added[:, :, 8:])
    torch.testing.assert_close(layer(first), added)


def test_another_seed_gives_other_noise_in_that_call_alone() -> None:
    layer, x = AddNoise(4, 2), torch.rand(2, 4, 16, 16)
    with torch.no_grad():
        first = layer.train()(x)
        assert layer(x).equal(first)
        assert (layer(x, NoiseField(torch.tensor(300))) - first).abs().max() > 0.1
        torch.testing.assert_close(layer.eval()(x), first)


def test_a_picture_may_begin_anywhere_in_the_noise() -> None:
    layer, x = AddNoise(4, 2), torch.zeros(1, 4, 16, 16)
    with torch.no_grad():
        moved = layer(x, NoiseField(row=8, column=20))
        torch.testing.assert_close(moved[:, :, :14, :11], layer(x)[:, :, 2:, 5:])


def test_the_table_is_not_in_a_file() -> None:
    assert list(AddNoise(4, 2).state_dict()) == ["weight"]


def test_weights_have_gradients_and_the_features_too() -> None:
    layer = AddNoise(3, 1).double().train()
    x = torch.rand(2, 3, 6, 5, dtype=torch.float64, requires_grad=True)
    noise = (layer(x) - x).detach()
    torch.testing.assert_close(torch.autograd.grad(layer(x).sum(), x)[0], torch.ones_like(x))
    (gradient,) = torch.autograd.grad((layer(x) * noise).sum(), layer.weight)
    # What is added is linear in the weights.
    product = (gradient * layer.weight.detach()).sum()
    torch.testing.assert_close(product, noise.square().sum(), rtol=1e-6, atol=0)


def test_flat_photos_get_forms_that_do_not_repeat() -> None:
    torch.manual_seed(0)
    flat = torch.full((1, 3, 96, 96), 0.5)
    inner = (..., slice(44, 52), slice(44, 52))
    with torch.no_grad():
        plain, noisy = (TransformNetwork(4, 0, noise=n).eval()(flat) for n in (0, 3))
    shifted = (..., slice(48, 56), slice(48, 56))
    torch.testing.assert_close(plain[inner], plain[shifted], atol=1e-4, rtol=0)
    assert (noisy[inner] - noisy[shifted]).abs().max() > 1e-2


@pytest.mark.parametrize("octaves", [-1, 9, 2.5])
def test_octaves_that_make_no_sense_are_refused(octaves: Any) -> None:
    with pytest.raises(UserError, match=rf"network\.noise={octaves} must be a whole number"):
        TransformNetwork(noise=octaves)
