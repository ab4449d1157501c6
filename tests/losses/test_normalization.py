import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faststyle.losses import NORMALIZATIONS, RelativeEnergy, gram_matrix
from faststyle.losses.normalization import MIN_ENERGY, relative_distance

SHAPE = (2, 3, 4, 5)
RELATIVE = RelativeEnergy()


def _features(seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_content_distance_is_its_formula(scale: str) -> None:
    value, target = _features(1), _features(2)
    difference = ((value - target).numpy() ** 2).reshape(2, -1)
    energy = (target.numpy() ** 2).reshape(2, -1)
    expected = {
        "paper": difference.sum(1) / difference.shape[1],
        "relative": difference.sum(1) / energy.sum(1),
    }[scale]
    distance = NORMALIZATIONS[scale]().content
    np.testing.assert_allclose(distance(value, target).numpy(), expected, 1e-12)
    single = value.float(), target.float()
    np.testing.assert_allclose(distance(*single).numpy(), expected, 1e-6)


@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_style_distance_is_its_formula(scale: str) -> None:
    value, target = gram_matrix(_features(1)), gram_matrix(_features(2))[:1]
    a, b = value.numpy(), target.numpy()
    expected = [np.linalg.norm(a[k] - b[0]) ** 2 for k in range(2)]
    if scale == "relative":
        expected = [e / np.linalg.norm(b[0]) ** 2 for e in expected]
    found = NORMALIZATIONS[scale]().style(value, target)
    np.testing.assert_allclose(found.numpy(), expected, 1e-12)


@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_total_variation_is_its_formula(scale: str) -> None:
    images = _features(3).numpy()
    expected = []
    for image in images:
        down = np.diff(image, axis=1) ** 2
        right = np.diff(image, axis=2) ** 2
        reduce = np.sum if scale == "paper" else np.mean
        expected.append(reduce(down) + reduce(right))
    found = NORMALIZATIONS[scale]().variation(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, expected, 1e-12)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 3, 1, 4), (1, 3, 4, 1)])
@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_total_variation_of_a_line_or_point_is_finite(shape: tuple[int, ...], scale: str) -> None:
    assert torch.isfinite(NORMALIZATIONS[scale]().variation(torch.rand(shape))).all()


@given(st.floats(1e-3, 1e3), st.integers(0, 1000))
def test_relative_distances_do_not_depend_on_the_encoders_scale(factor: float, seed: int) -> None:
    value, target = _features(seed), _features(seed + 1)
    large, goal = value * factor, target * factor
    plain = RELATIVE.content(value, target)
    torch.testing.assert_close(plain, RELATIVE.content(large, goal))
    grams = gram_matrix(target), gram_matrix(goal)
    plain = RELATIVE.style(gram_matrix(value), grams[0])
    torch.testing.assert_close(plain, RELATIVE.style(gram_matrix(large), grams[1]))


def test_a_blank_target_gives_a_bounded_distance() -> None:
    blank = torch.zeros(SHAPE, dtype=torch.float64)
    distance = RELATIVE.content(_features(0), blank)
    np.testing.assert_allclose(distance.numpy(), 1 / MIN_ENERGY)
    assert RELATIVE.content(blank, blank).tolist() == [0, 0]


def test_a_distance_is_relative_to_the_reference_it_is_given() -> None:
    value, target = _features(0), _features(1)
    own = RELATIVE.content(value, target)
    torch.testing.assert_close(relative_distance(value, target, 2 * target), own / 4)
