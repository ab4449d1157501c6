from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.networks import kernels

MODES = ("reflect", "constant")


@pytest.fixture
def direct() -> Iterator[None]:
    kernels.choose_kernel("direct")
    yield
    kernels.choose_kernel("auto")


def _given(
    size: tuple[int, int, int, int], outputs: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    x = random(*size).contiguous(memory_format=torch.channels_last)
    weight = random(outputs, size[1], 3, 3) / (3 * size[1] ** 0.5)
    return x.requires_grad_(), weight.requires_grad_(), random(outputs).requires_grad_()


@pytest.mark.parametrize("mode", MODES)
def test_result_and_gradients_are_those_of_a_direct_convolution(mode: str) -> None:
    given = _given((2, 6, 13, 18), 9)
    x, weight, bias = given
    direct = F.conv2d(F.pad(x, (1,) * 4, mode=mode), weight, bias)
    result = kernels.convolve_winograd(x, weight, bias, mode)
    torch.testing.assert_close(result, direct)
    down = torch.randn_like(direct)
    gradients = torch.autograd.grad(result, given, down)
    for gradient, expected in zip(gradients, torch.autograd.grad(direct, given, down), strict=True):
        torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("mode", MODES)
def test_in_float32_values_and_gradients_agree_to_five_digits(mode: str) -> None:
    exact, given = _given((1, 128, 40, 44), 128), _given((1, 128, 40, 44), 128, torch.float32)
    results, gradients = [], []
    for x, weight, bias in (exact, given):
        if x is exact[0]:
            y = F.conv2d(F.pad(x, (1,) * 4, mode=mode), weight, bias)
        else:
            y = kernels.convolve_winograd(x, weight, bias, mode)
        results.append(y)
        gradients.append(torch.autograd.grad(y.square().sum(), (x, weight, bias)))
    pairs = [results, *zip(*gradients, strict=True)]
    for expected, found in pairs:
        assert (found - expected).norm() < 1e-5 * expected.norm()


@pytest.mark.parametrize("mode", MODES)
def test_it_has_second_derivatives(mode: str) -> None:
    given = _given((1, 2, 4, 5), 2)

    def run(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return kernels.convolve_winograd(x, weight, bias, mode)

    assert torch.autograd.gradgradcheck(run, given)


def test_the_same_input_gives_the_same_bits() -> None:
    x, weight, bias = given = _given((2, 128, 48, 50), 128, torch.float32)
    first, second = (kernels.convolve_winograd(x, weight, bias, "reflect") for _ in range(2))
    assert torch.equal(first, second)
    down = torch.ones_like(first)
    gradients = (torch.autograd.grad(result, given, down) for result in (first, second))
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))


def test_it_is_chosen_where_it_is_faster() -> None:
    x, weight = torch.empty(1, 128, 64, 64), torch.empty(128, 128, 3, 3)
    assert kernels.winograd_is_faster(x, weight)
    assert not kernels.winograd_is_faster(x.double(), weight.double())
    assert not kernels.winograd_is_faster(x.bfloat16(), weight.bfloat16())
    assert not kernels.winograd_is_faster(x.to("meta"), weight), "not on a CPU"
    with torch.autocast("cpu", torch.bfloat16):
        assert not kernels.winograd_is_faster(x, weight)
    assert not kernels.winograd_is_faster(x[:, :64], weight[:64, :64]), "too few channels"
    assert kernels.winograd_is_faster(torch.empty(1, 64, 256, 256), weight[:64, :64]), (
        "but many positions"
    )
    assert not kernels.winograd_is_faster(x[:, :, :32, :32], weight), (
        "too few positions to transform weights"
    )
    assert kernels.winograd_is_faster(x[:, :, :32, :32], weight, constant=True)
    assert not kernels.winograd_is_faster(x, torch.empty(128, 128, 1, 1))


@pytest.mark.usefixtures("direct")
def test_direct_means_nowhere() -> None:
    x, weight = torch.randn(1, 128, 64, 64), torch.randn(128, 128, 3, 3)
    assert not kernels.winograd_is_faster(x, weight)
    result = kernels.convolve(x, weight, torch.zeros(128), "constant")
    torch.testing.assert_close(result, F.conv2d(x, weight, padding=1))


def test_an_unknown_kernel_is_named() -> None:
    with pytest.raises(UserError, match='unknown kernel "dircet": did you mean "direct"'):
        kernels.choose_kernel("dircet")
