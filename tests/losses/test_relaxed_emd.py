import numpy as np
import pytest
import torch

from faststyle.losses import RelaxedEarthMover


def _features(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _distance(
    loss: RelaxedEarthMover, picture: torch.Tensor, painting: torch.Tensor
) -> torch.Tensor:
    value: torch.Tensor = loss(picture, loss.target(painting), torch.Generator().manual_seed(0))
    return value


def _by_loops(picture: torch.Tensor, painting: torch.Tensor) -> tuple[float, float]:
    """The two means of nearest neighbors' distances, 1 - cos, from every place to every place."""
    a, b = (each[0].flatten(1).T.numpy() for each in (picture, painting))
    costs = np.empty((len(a), len(b)))
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            costs[i, j] = 1 - x @ y / np.linalg.norm(x) / np.linalg.norm(y)
    return costs.min(1).mean(), costs.min(0).mean()


def test_of_all_places_it_is_its_formula() -> None:
    picture, painting = _features(1, 1, 4, 5, 6), _features(2, 1, 4, 4, 8)
    loss = RelaxedEarthMover(places=32, samples=32)
    forth, back = _by_loops(picture, painting)
    assert _distance(loss, picture, painting).item() == pytest.approx(max(forth, back))
    one_sided = RelaxedEarthMover(places=32, samples=32, one_sided=True)
    assert _distance(one_sided, picture, painting).item() == pytest.approx(forth)


def test_a_part_of_the_painting_is_near_on_one_side_only() -> None:
    painting = _features(1, 1, 4, 8, 8)
    part = painting[..., :4]
    one_sided = RelaxedEarthMover(places=64, samples=64, one_sided=True)
    assert _distance(one_sided, part, painting).item() == pytest.approx(0, abs=1e-12)
    assert _distance(RelaxedEarthMover(places=64, samples=64), part, painting).item() > 0.05


def test_the_length_of_vectors_does_not_count() -> None:
    picture, painting = _features(1, 1, 4, 8, 8), _features(2, 1, 4, 8, 8)
    loss = RelaxedEarthMover()
    torch.testing.assert_close(
        _distance(loss, 3 * picture, painting), _distance(loss, picture, painting)
    )


def test_of_many_places_some_are_drawn() -> None:
    picture, painting = _features(1, 1, 4, 40, 40), _features(2, 1, 4, 40, 40)
    some, all_ = RelaxedEarthMover(places=400), RelaxedEarthMover(places=1600)
    assert _distance(some, picture, painting).item() == pytest.approx(
        _distance(all_, picture, painting).item(), rel=1
    )
    target = some.target(painting)
    values = [some(picture, target, torch.Generator().manual_seed(seed)).item() for seed in (0, 1)]
    assert values[0] != values[1]


def test_its_gradient_is_that_of_its_values() -> None:
    picture, painting = _features(1, 2, 3, 4, 4).requires_grad_(), _features(2, 1, 3, 5, 5)
    loss = RelaxedEarthMover()
    assert torch.autograd.gradcheck(lambda x: _distance(loss, x, painting), picture)
