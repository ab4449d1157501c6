import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faststyle.losses.terms import (
    MIN_ENERGY,
    feature_distance,
    gram_matrix,
    statistic_distance,
    style_statistics,
    total_variation,
)

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


@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_content_distance_is_its_formula(scale: str) -> None:
    value, target = _features(1), _features(2)
    difference = ((value - target).numpy() ** 2).reshape(2, -1)
    energy = (target.numpy() ** 2).reshape(2, -1)
    expected = {
        "paper": difference.sum(1) / difference.shape[1],
        "relative": difference.sum(1) / energy.sum(1),
    }[scale]
    np.testing.assert_allclose(feature_distance(value, target, scale).numpy(), expected, 1e-12)
    in_float32 = feature_distance(value.float(), target.float(), scale).numpy()
    np.testing.assert_allclose(in_float32, expected, 1e-6)


@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_style_distance_is_its_formula(scale: str) -> None:
    value, target = gram_matrix(_features(1)), gram_matrix(_features(2))[:1]
    a, b = value.numpy(), target.numpy()
    expected = [np.linalg.norm(a[k] - b[0]) ** 2 for k in range(2)]
    if scale == "relative":
        expected = [e / np.linalg.norm(b[0]) ** 2 for e in expected]
    np.testing.assert_allclose(statistic_distance(value, target, scale).numpy(), expected, 1e-12)


@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_total_variation_is_its_formula(scale: str) -> None:
    images = _features(3).numpy()
    expected = []
    for image in images:
        down = np.diff(image, axis=1) ** 2
        right = np.diff(image, axis=2) ** 2
        reduce = np.sum if scale == "paper" else np.mean
        expected.append(reduce(down) + reduce(right))
    found = total_variation(torch.from_numpy(images), scale).numpy()
    np.testing.assert_allclose(found, expected, 1e-12)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 3, 1, 4), (1, 3, 4, 1)])
@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_total_variation_of_a_line_or_point_is_finite(shape: tuple[int, ...], scale: str) -> None:
    assert torch.isfinite(total_variation(torch.rand(shape), scale)).all()


def test_moments_are_covariance_and_means() -> None:
    features = _features(4)
    covariance, means = style_statistics(features, "moments")
    expected = np.stack([np.cov(f.reshape(3, -1), bias=True) / 3 for f in features.numpy()])
    np.testing.assert_allclose(covariance.numpy(), expected, 1e-10)
    np.testing.assert_allclose(means.numpy(), features.numpy().mean((2, 3)), 1e-12)


@given(st.floats(1e-3, 1e3), st.integers(0, 1000))
def test_relative_distances_do_not_depend_on_the_encoders_scale(factor: float, seed: int) -> None:
    value, target = _features(seed), _features(seed + 1)
    plain = feature_distance(value, target, "relative")
    scaled = feature_distance(value * factor, target * factor, "relative")
    torch.testing.assert_close(plain, scaled)
    plain = statistic_distance(gram_matrix(value), gram_matrix(target), "relative")
    scaled = statistic_distance(
        gram_matrix(value * factor), gram_matrix(target * factor), "relative"
    )
    torch.testing.assert_close(plain, scaled)


def test_a_blank_target_gives_a_bounded_distance() -> None:
    blank = torch.zeros(SHAPE, dtype=torch.float64)
    distance = feature_distance(_features(0), blank, "relative")
    np.testing.assert_allclose(distance.numpy(), 1 / MIN_ENERGY)
    assert feature_distance(blank, blank, "relative").tolist() == [0, 0]


@pytest.mark.parametrize("centered", [False, True])
def test_gram_gradient_is_that_of_finite_differences(centered: bool) -> None:
    features = _features(3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: gram_matrix(x, centered), features)
    assert torch.autograd.gradgradcheck(lambda x: gram_matrix(x, centered), features)


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
