import numpy as np
import pytest
import torch

from faststyle.losses import SlicedWasserstein


def _features(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _distance(
    loss: SlicedWasserstein, picture: torch.Tensor, painting: torch.Tensor, seed: int = 0
) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    value: torch.Tensor = loss(picture, loss.target(painting), generator)
    return value


def test_in_one_dimension_it_is_the_distance_of_quantiles_over_the_variance() -> None:
    picture, painting = _features(1, 1, 1, 40, 50), 2 + 3 * _features(2, 1, 1, 40, 50)
    found = _distance(SlicedWasserstein(projections=1, samples=2000), picture, painting)
    a, b = np.sort(picture.numpy().ravel()), np.sort(painting.numpy().ravel())
    expected = ((a - b) ** 2).mean() / b.var()
    # The painting's are drawn with replacement.
    assert found.item() == pytest.approx(expected, rel=0.1)


def test_gaussians_are_as_far_apart_as_their_closed_form() -> None:
    """Of N(0, I) and N(m, s^2 I), the mean over directions d is E (m d)^2 + (1 - s)^2."""
    mean = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64).view(1, 3, 1, 1)
    picture, painting = _features(1, 1, 3, 100, 100), mean + 2 * _features(2, 1, 3, 100, 100)
    found = _distance(SlicedWasserstein(projections=2000, samples=10000), picture, painting)
    along = mean.square().sum().item() / 3 + (1 - 2) ** 2
    assert found.item() == pytest.approx(3 * along / (3 * 2**2), rel=0.05)


def test_a_picture_of_the_paintings_vectors_in_any_order_is_near() -> None:
    painting = _features(1, 1, 3, 64, 64)
    order = torch.randperm(64 * 64, generator=torch.Generator().manual_seed(2))
    shuffled = painting.flatten(2)[..., order].view_as(painting)
    assert _distance(SlicedWasserstein(), shuffled, painting).item() < 1e-2
    assert _distance(SlicedWasserstein(), painting + 1, painting).item() > 0.5


def test_it_is_relative_to_the_paintings_own_variance() -> None:
    picture, painting = _features(1, 1, 3, 16, 16), _features(2, 1, 3, 16, 16)
    loss = SlicedWasserstein()
    torch.testing.assert_close(
        _distance(loss, picture, painting), _distance(loss, 7 * picture, 7 * painting)
    )


def test_a_painting_of_one_color_gives_a_finite_distance() -> None:
    value = _distance(
        SlicedWasserstein(), _features(1, 1, 3, 8, 8), torch.ones(1, 3, 8, 8).double()
    )
    assert torch.isfinite(value).all()
    assert value.item() <= 3 / 1e-3


def test_pooling_averages_squares_first() -> None:
    picture, painting = _features(1, 1, 3, 16, 16), _features(2, 1, 3, 16, 16)
    small, other = (torch.nn.functional.avg_pool2d(each, 4) for each in (picture, painting))
    torch.testing.assert_close(
        _distance(SlicedWasserstein(pool=4), picture, painting),
        _distance(SlicedWasserstein(), small, other),
    )


def test_targets_have_one_shape_for_paintings_of_any_size() -> None:
    loss = SlicedWasserstein(samples=100)
    shapes = [loss.target(_features(1, 1, 3, *size))[0].shape for size in ((4, 4), (30, 20))]
    assert shapes == [(1, 100, 3), (1, 100, 3)]


def test_a_mixture_holds_of_each_painting_its_share() -> None:
    loss = SlicedWasserstein(samples=100)
    targets = [loss.target(torch.full((1, 3, 8, 8), value)) for value in (0.0, 1.0)]
    values, variance = loss.mix(targets, [0.75, 0.25])
    assert (values == 1).sum() == 3 * 25
    assert variance.item() == pytest.approx(3 * 0.75 * 0.25)


def test_its_gradient_is_that_of_its_values() -> None:
    loss = SlicedWasserstein(projections=4)
    picture, painting = _features(1, 2, 3, 5, 5).requires_grad_(), _features(2, 1, 3, 6, 6)
    assert torch.autograd.gradcheck(lambda x: _distance(loss, x, painting), picture)


def test_contrast_stretches_the_painting_about_its_mean() -> None:
    picture, painting = _features(1, 1, 3, 16, 16), 3 + _features(2, 1, 3, 16, 16)
    mean = painting.mean((2, 3), keepdim=True)
    torch.testing.assert_close(
        _distance(SlicedWasserstein(contrast=1.5), picture, painting),
        _distance(SlicedWasserstein(), picture, mean + 1.5 * (painting - mean)),
    )
