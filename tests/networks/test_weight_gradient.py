from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from faststyle.networks.weight_gradient import conv2d, conv_transpose2d, weight_gradient

Convolution = Callable[[Tensor, Tensor, Tensor], Tensor]


def _random(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    values = torch.randn(shape, generator=generator, dtype=torch.float64)
    if len(shape) == 4:
        values = values.contiguous(memory_format=torch.channels_last)
    return values.requires_grad_()


@settings(max_examples=30, deadline=None)
@given(
    batch=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 4), st.integers(1, 5)),
    size=st.tuples(st.integers(1, 4), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    steps=st.tuples(st.integers(1, 9), st.integers(1, 7)),
)
def test_it_is_the_gradient_that_autograd_finds(
    batch: int,
    channels: tuple[int, int],
    size: tuple[int, int],
    stride: tuple[int, int],
    steps: tuple[int, int],
) -> None:
    height, width = (k + s * (n - 1) for k, s, n in zip(size, stride, steps, strict=True))
    x, weight = _random(batch, channels[0], height, width), _random(*reversed(channels), *size)
    result = F.conv2d(x, weight, stride=stride)
    down = torch.randn_like(result)
    [expected] = torch.autograd.grad(result, weight, down)
    torch.testing.assert_close(weight_gradient(x, down, size, stride), expected)


def test_patches_of_many_rows_are_added_up_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x, down = _random(2, 3, 12, 10), _random(2, 4, 10, 8)
    whole = weight_gradient(x, down, (3, 3), (1, 1))
    monkeypatch.setattr("faststyle.networks.weight_gradient._PATCH_BYTES", 1)
    torch.testing.assert_close(weight_gradient(x, down, (3, 3), (1, 1)), whole)


def _conv(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return conv2d(x, weight, bias, (2, 1))


def _plain_conv(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(x, weight, bias, (2, 1))


def _transposed(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return conv_transpose2d(x, weight, bias, (2, 2), 3)


def _plain_transposed(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv_transpose2d(x, weight, bias, (2, 2), 3)


@pytest.mark.parametrize(
    ("fast", "plain", "weight"),
    [(_conv, _plain_conv, (32, 3, 3, 3)), (_transposed, _plain_transposed, (32, 5, 4, 4))],
)
def test_in_float32_gradients_agree_to_six_digits(
    fast: Convolution, plain: Convolution, weight: tuple[int, int, int, int]
) -> None:
    transposed = fast is _transposed
    inputs, outputs = weight[:2] if transposed else (weight[1], weight[0])
    exact = _random(2, inputs, 9, 12), _random(*weight), _random(outputs)
    rounded = tuple(value.detach().float().requires_grad_() for value in exact)
    first = [
        torch.autograd.grad(run(*values).square().sum(), values, create_graph=True)
        for run, values in ((plain, exact), (fast, rounded))
    ]
    second = [
        torch.autograd.grad(sum((g.sin().sum() for g in gradients), torch.zeros(())), values)
        for gradients, values in zip(first, (exact, rounded), strict=True)
    ]
    for expected, found in zip(*first, strict=True):
        assert (found - expected).norm() < 2e-6 * expected.norm()
    for expected, found in zip(*second, strict=True):
        assert (found - expected).norm() < 1e-3 * expected.norm()
