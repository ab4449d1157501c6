from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.optimization.optimizers import LBFGS, LBFGSB, Adam, Objective, PixelOptimizer

OPTIMIZERS: dict[str, Callable[[Tensor], PixelOptimizer]] = {
    "lbfgs": LBFGS,
    "lbfgsb": LBFGSB,
    "adam": partial(Adam, learning_rate=0.05),
}


def nothing() -> None:
    pass


def bowl(target: Tensor, pixels: Tensor) -> Tensor:
    """A quadratic whose curvature differs by 100 between pixels."""
    weights = torch.logspace(0, 2, target.numel()).view_as(target)
    return (weights * (pixels - target).square()).sum()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_quadratic_ends_at_its_known_minimum(name: str) -> None:
    target = torch.rand(1, 3, 4, 5)
    pixels = torch.full_like(target, 0.5)
    OPTIMIZERS[name](pixels).minimize(partial(bowl, target), 300, nothing)
    assert torch.allclose(pixels, target, atol=2e-3)


@pytest.mark.parametrize("name", ["lbfgsb", "adam"])
@settings(max_examples=10, deadline=None)
@given(st.floats(-3, 4))
def test_pixels_end_within_their_bounds_at_the_nearest_point(name: str, wanted: float) -> None:
    pixels = torch.full((1, 3, 2, 2), 0.5)
    target = torch.full_like(pixels, wanted)
    OPTIMIZERS[name](pixels).minimize(partial(bowl, target), 200, nothing)
    assert torch.allclose(pixels, target.clamp(0, 1), atol=5e-3)
    assert pixels.min() >= 0
    assert pixels.max() <= 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_iteration_is_told(name: str) -> None:
    told: list[int] = []
    target = torch.rand(1, 3, 8, 8)
    optimizer = OPTIMIZERS[name](torch.full_like(target, 0.5))
    optimizer.minimize(partial(bowl, target), 5, lambda: told.append(1))
    assert len(told) == 5


@pytest.mark.parametrize("name", ["lbfgs", "adam"])
def test_a_saved_optimizer_goes_on_to_the_same_pixels_to_the_bit(name: str) -> None:
    target = torch.rand(1, 3, 6, 6)
    whole = torch.full_like(target, 0.5)
    OPTIMIZERS[name](whole).minimize(partial(bowl, target), 12, nothing)
    half = torch.full_like(target, 0.5)
    first = OPTIMIZERS[name](half)
    first.minimize(partial(bowl, target), 7, nothing)
    second = OPTIMIZERS[name](half.detach())
    second.load_state_dict(first.state_dict())
    second.minimize(partial(bowl, target), 5, nothing)
    assert torch.equal(half, whole)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(LBFGS, history=0), "optimizer.history=0 must"),
        (partial(LBFGSB, history=-1), "optimizer.history=-1 must"),
        (partial(Adam, learning_rate=-0.1), r"optimizer\.learning_rate=-0\.1 must"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(make: partial[object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(torch.zeros(1, 3, 2, 2))


@pytest.fixture
def photo() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    return torch.nn.functional.interpolate(coarse, (32, 32), mode="bicubic").clamp(0, 1)


@pytest.fixture
def loss(encoder: VGGEncoder) -> PerceptualLoss:
    style = {f"relu{block}_1": 1.0 for block in range(1, 4)}
    found = PerceptualLoss(encoder, {"relu3_1": 1.0}, style, style_weight=10)
    generator = torch.Generator().manual_seed(2)
    found.set_style([StyleImage(torch.rand(3, 32, 32, generator=generator))])
    return found


def plain_loop(loss: PerceptualLoss, photo: Tensor, iterations: int) -> float:
    """What a textbook does: one call of torch's L-BFGS on free pixels, clamped at the end."""
    targets = loss.targets(photo)
    pixels = photo.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [pixels],
        max_iter=iterations,
        max_eval=26 * iterations,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value: Tensor = loss(pixels, targets).total
        value.backward()  # type: ignore[no-untyped-call]
        assert pixels.grad is not None
        pixels.grad = pixels.grad.contiguous()
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return float(loss(pixels.clamp(0, 1), targets).total)


def test_two_hundred_iterations_end_no_higher_than_a_plain_loop(
    loss: PerceptualLoss, photo: Tensor
) -> None:
    objective = Objective(loss, photo)
    LBFGS(photo.clone(), history=100).minimize(objective, 200, nothing)
    assert objective.best_loss <= plain_loop(loss, photo, 200)


def test_an_iteration_is_hardly_more_than_one_evaluation(
    loss: PerceptualLoss, photo: Tensor
) -> None:
    objective = Objective(loss, photo)
    calls: list[int] = []

    def counted(pixels: Tensor) -> Tensor:
        calls.append(1)
        return objective(pixels)

    LBFGS(photo.clone()).minimize(counted, 100, nothing)
    assert len(calls) <= 110
