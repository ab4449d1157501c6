import pytest
import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder
from faststyle.losses import PerceptualLoss
from faststyle.optimization.optimizers import Objective


@pytest.fixture
def photo() -> Tensor:
    return torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def objective(encoder: VGGEncoder, photo: Tensor) -> Objective:
    return Objective(PerceptualLoss(encoder, {"input": 1.0}, {}), photo)


def test_the_loss_is_that_of_the_clamped_picture(objective: Objective, photo: Tensor) -> None:
    outside = photo * 4 - 1.5
    assert torch.equal(objective(outside), objective(outside.clamp(0, 1)))


def test_pixels_outside_are_drawn_back_but_never_further_out(
    objective: Objective, photo: Tensor
) -> None:
    outside = torch.where(photo > 0.5, -0.5, 1.5).requires_grad_()  # each beyond the wrong end
    objective(outside).backward()  # type: ignore[no-untyped-call]
    assert outside.grad is not None
    assert (outside.grad.sign() == (outside - photo).sign()).all()
    correct = torch.where(photo > 0.5, 1.5, -0.5).requires_grad_()
    objective(correct).backward()  # type: ignore[no-untyped-call]
    assert correct.grad is not None
    assert (correct.grad[(photo < 1) & (photo > 0)].abs() > 0).all(), "they should come back inside"


def test_the_best_picture_is_remembered_as_a_file_can_hold_it(
    objective: Objective, photo: Tensor
) -> None:
    near, far = photo + 0.1, photo + 0.6
    for pixels in (far, near, far):
        objective(pixels)
    assert objective.best is not None
    assert torch.equal(objective.best, near.clamp(0, 1))
    assert objective.best_loss == pytest.approx(float(objective(near)))


def test_a_loss_that_is_not_finite_stops_before_it_counts(
    objective: Objective, photo: Tensor
) -> None:
    objective(photo + 0.1)
    before = objective.best_loss
    with pytest.raises(UserError, match="no longer finite"):
        objective(photo * float("nan"))
    assert objective.best_loss == before
