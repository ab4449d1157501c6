import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from faststyle.networks.instance_norm import instance_norm

EPS = 1e-5


def _inputs(seed: int, size: tuple[int, ...] = (2, 3, 6, 7)) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, generator=generator, dtype=torch.float64) * 3 + 1
    weight, bias = torch.randn(2, size[1], generator=generator, dtype=torch.float64)
    return x, weight, bias


def _formula(x: Tensor, weight: Tensor, bias: Tensor, relu: bool) -> Tensor:
    """Equation 6 of Ulyanov et al. (2017)."""
    mean = x.mean((2, 3), keepdim=True)
    variance = (x - mean).square().mean((2, 3), keepdim=True)
    y = (x - mean) / (variance + EPS).sqrt() * weight.view(-1, 1, 1) + bias.view(-1, 1, 1)
    return y.clamp_min(0) if relu else y


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(1, 5), st.integers(2, 9), st.integers(1, 9), st.booleans())
def test_it_is_the_published_formula(n: int, c: int, h: int, w: int, relu: bool) -> None:
    x, weight, bias = _inputs(0, (n, c, h, w))
    expected = _formula(x, weight, bias, relu)
    torch.testing.assert_close(instance_norm(x, weight, bias, EPS, relu), expected)


def test_each_picture_may_have_its_own_scale_and_shift() -> None:
    x, weight, bias = _inputs(0)
    each = [(x[n : n + 1], weight * (n + 1), bias - n) for n in range(2)]
    weights, biases = (torch.stack([one[k] for one in each])[..., None, None] for k in (1, 2))
    expected = torch.cat([_formula(*one, True) for one in each])
    torch.testing.assert_close(instance_norm(x, weights, biases, EPS, True), expected)


@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (1, 3, 1, 1)])
def test_gradients_of_such_are_those_of_finite_differences(shape: tuple[int, ...]) -> None:
    x, *_ = _inputs(1)
    weight, bias = torch.randn(2, *shape, dtype=torch.float64)
    inputs = [value.requires_grad_() for value in (x, weight, bias)]
    assert torch.autograd.gradcheck(lambda x, w, b: instance_norm(x, w, b, EPS, False), inputs)


@pytest.mark.parametrize("relu", [False, True])
def test_its_gradients_are_those_of_finite_differences(relu: bool) -> None:
    inputs = [value.requires_grad_() for value in _inputs(1)]
    assert torch.autograd.gradcheck(lambda x, w, b: instance_norm(x, w, b, EPS, relu), inputs)


@pytest.mark.parametrize("relu", [False, True])
def test_its_second_derivatives_are_those_of_finite_differences(relu: bool) -> None:
    inputs = [value.requires_grad_() for value in _inputs(1)]
    assert torch.autograd.gradgradcheck(lambda x, w, b: instance_norm(x, w, b, EPS, relu), inputs)


@pytest.mark.parametrize("side", [16, 400, 700])
def test_parameters_in_half_precision_cost_no_digits_but_their_own(side: int) -> None:
    x, weight, bias = (value.bfloat16() for value in _inputs(3, (1, 4, side, side)))
    expected = _formula(x.double(), weight.double(), bias.double(), False)
    found = instance_norm(x.clone(), weight, bias, EPS, False)
    assert found.dtype == torch.bfloat16
    # Half a unit in the last place of bfloat16, and once more for the sum.
    torch.testing.assert_close(found.double(), expected, rtol=2**-7, atol=2**-7)


def test_without_a_graph_the_result_takes_the_inputs_place() -> None:
    x, weight, bias = _inputs(2)
    x = x.contiguous(memory_format=torch.channels_last)
    assert instance_norm(x, weight, bias, EPS, True).data_ptr() == x.data_ptr()


def test_with_a_graph_the_input_is_left_alone() -> None:
    x, weight, bias = _inputs(2)
    before = x.clone()
    instance_norm(x.requires_grad_(), weight, bias, EPS, True)
    torch.testing.assert_close(x.detach(), before, rtol=0, atol=0)


@pytest.mark.parametrize("mean", [0.3, 30.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_large_pictures_are_summed_exactly(mean: float, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    x = (torch.randn(1, 2, 1500, 1500, generator=generator) + mean).to(dtype)
    expected = _formula(x.double(), torch.ones(2), torch.zeros(2), False)
    found = instance_norm(x, torch.ones(2), torch.zeros(2), EPS, False).double()
    assert (found - expected).square().mean().sqrt() < (1e-5 if dtype == torch.float32 else 3e-3)


def test_gradients_of_large_pictures_are_those_of_small_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inputs = [value.requires_grad_() for value in _inputs(4)]
    monkeypatch.setattr("faststyle.networks.instance_norm.BATCH_NORM_PIXELS", 1)
    monkeypatch.setattr("faststyle.networks.instance_norm.CHUNK_VALUES", 16)
    monkeypatch.setattr("faststyle.networks.instance_norm.SUM_VALUES", 16)
    assert torch.autograd.gradcheck(lambda x, w, b: instance_norm(x, w, b, EPS, True), inputs)


def test_half_precision_is_summed_in_full() -> None:
    x, weight, bias = _inputs(3, (1, 2, 64, 64))
    x = (x + 30).bfloat16()
    expected = _formula(x.double(), weight, bias, False)
    found = instance_norm(x, weight.float(), bias.float(), EPS, False)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), expected, rtol=2**-8, atol=1e-3)
