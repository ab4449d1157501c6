import numpy as np
import pytest
import torch

from faststyle.losses import STYLE_LOSSES, Moments, gram_matrix

SHAPE = (2, 3, 4, 5)


def _features(seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _gram_by_loops(features: np.ndarray, centered: bool) -> np.ndarray:
    """Equation 3 of Johnson et al., written with sums."""
    n, c, h, w = features.shape
    gram = np.zeros((n, c, c))
    for k in range(n):
        for i in range(c):
            for j in range(c):
                a, b = features[k, i], features[k, j]
                if centered:
                    a, b = a - a.mean(), b - b.mean()
                gram[k, i, j] = (a * b).sum() / (c * h * w)
    return gram


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gram_matrix_is_the_papers_formula(centered: bool, dtype: torch.dtype) -> None:
    features = _features(0)
    found = gram_matrix(features.to(dtype), centered).double().numpy()
    np.testing.assert_allclose(found, _gram_by_loops(features.numpy(), centered), 1e-6, 1e-8)


def test_gram_of_half_precision_does_not_overflow() -> None:
    features = torch.full((1, 2, 64, 64), 200.0, dtype=torch.float16)
    with torch.autocast("cpu", torch.bfloat16):
        gram = gram_matrix(features)
    assert gram.dtype == torch.float32
    torch.testing.assert_close(gram, torch.full((1, 2, 2), 200.0**2 / 2))


def test_moments_are_covariance_and_means() -> None:
    features = _features(4)
    covariance, means = Moments().statistics(features)
    expected = np.stack([np.cov(f.reshape(3, -1), bias=True) / 3 for f in features.numpy()])
    np.testing.assert_allclose(covariance.numpy(), expected, 1e-10)
    np.testing.assert_allclose(means.numpy(), features.numpy().mean((2, 3)), 1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_one_mean_over_all_channels_can_be_taken_away_first(dtype: torch.dtype) -> None:
    features = _features(7).to(dtype)
    [found] = STYLE_LOSSES["gram_global_mean"]().target(features)
    x = features.double().numpy()
    expected = _gram_by_loops(x - x.mean((1, 2, 3), keepdims=True), centered=False)
    np.testing.assert_allclose(found.double().numpy(), expected, 1e-6, 1e-7)


@pytest.mark.parametrize("centered", [False, True])
def test_gram_gradient_is_that_of_finite_differences(centered: bool) -> None:
    features = _features(3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: gram_matrix(x, centered), features)
    assert torch.autograd.gradgradcheck(lambda x: gram_matrix(x, centered), features)


def test_gradient_of_both_moments_is_that_of_finite_differences() -> None:
    features = _features(5).requires_grad_()
    assert torch.autograd.gradcheck(Moments().statistics, features)
    assert torch.autograd.gradgradcheck(Moments().statistics, features)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gradient_of_moments_of_half_precision_neither_vanishes_nor_overflows(
    dtype: torch.dtype,
) -> None:
    exact = _features(6).requires_grad_()
    half = exact.detach().to(dtype).requires_grad_()
    for features in (exact, half):
        covariance, means = Moments().statistics(features)
        loss = (covariance.square().sum() + means.square().sum()) * 1e-4
        loss.backward()  # type: ignore[no-untyped-call]
    assert half.grad is not None
    assert exact.grad is not None
    torch.testing.assert_close(half.grad.double(), exact.grad, rtol=0.1, atol=3e-7)


def test_gram_gradient_of_half_precision_neither_vanishes_nor_overflows() -> None:
    exact = _features(4).requires_grad_()
    half = exact.detach().half().requires_grad_()
    # A loss as small as the paper's scale makes it: below float16's smallest number.
    for features in (exact, half):
        loss = gram_matrix(features).square().sum() * 1e-6
        loss.backward()  # type: ignore[no-untyped-call]
    assert half.grad is not None
    assert exact.grad is not None
    torch.testing.assert_close(half.grad.double(), exact.grad, rtol=0.1, atol=1e-7)
