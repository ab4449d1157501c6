import numpy as np
import pytest
import torch

from faststyle.losses import SelfSimilarity


def _features(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _distance(
    picture: torch.Tensor, photo: torch.Tensor, places: int = 576, seed: int = 0
) -> torch.Tensor:
    loss = SelfSimilarity(places)
    value: torch.Tensor = loss(picture, loss.target(photo), torch.Generator().manual_seed(seed))
    return value


def _relations(features: torch.Tensor) -> np.ndarray:
    vectors = features.flatten(1).T.numpy()
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = 1 - vectors @ vectors.T
    relations: np.ndarray = distances / distances.sum(1, keepdims=True)
    return relations


def test_of_all_places_it_is_its_formula() -> None:
    picture, photo = _features(1, 2, 4, 5, 6), _features(2, 2, 4, 5, 6)
    expected = [
        np.abs(_relations(a) - _relations(b)).mean() * 30
        for a, b in zip(picture, photo, strict=True)
    ]
    np.testing.assert_allclose(_distance(picture, photo).numpy(), expected, 1e-10)


def test_features_that_are_turned_and_scaled_alike_everywhere_cost_nothing() -> None:
    photo = _features(1, 1, 4, 6, 6)
    turn = torch.linalg.qr(_features(2, 4, 4)).Q
    painted = 5 * torch.einsum("dc,nchw->ndhw", turn, photo)
    assert _distance(painted, photo).item() == pytest.approx(0, abs=1e-12)


def test_one_thing_painted_as_two_costs() -> None:
    photo = torch.ones(1, 4, 8, 8).double() + 0.01 * _features(1, 1, 4, 8, 8)
    photo[..., 4:] = -photo[..., 4:]  # two things
    split = photo.clone()
    split[:, :, :4] *= torch.tensor([1.0, -1.0, 1.0, -1.0]).view(1, 4, 1, 1)
    assert _distance(split, photo).item() > 0.2


def test_both_pictures_are_looked_at_in_the_same_places() -> None:
    photo = _features(1, 1, 4, 40, 40)
    assert _distance(photo, photo, places=100, seed=3).item() == 0


def test_a_photo_of_one_color_gives_a_finite_distance_and_gradient() -> None:
    picture = _features(1, 1, 4, 6, 6).requires_grad_()
    value = _distance(picture, torch.ones(1, 4, 6, 6).double())
    value.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(value).all()
    assert picture.grad is not None
    assert torch.isfinite(picture.grad).all()


def test_its_gradient_is_that_of_its_values() -> None:
    picture, photo = _features(1, 2, 3, 4, 4).requires_grad_(), _features(2, 2, 3, 4, 4)
    assert torch.autograd.gradcheck(lambda x: _distance(x, photo), picture)
