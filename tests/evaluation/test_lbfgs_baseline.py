import pytest
import torch
from torch import Tensor

from faststyle.encoder import VGGEncoder
from faststyle.evaluation.lbfgs_baseline import Parity, compare
from faststyle.losses import PerceptualLoss, StyleImage


@pytest.fixture(scope="module")
def loss(encoder: VGGEncoder) -> PerceptualLoss:
    loss = PerceptualLoss(encoder, {"relu2_1": 1.0}, {"relu1_1": 1.0}, tv_weight=0.1)
    loss.set_style([StyleImage(torch.rand(3, 32, 32, generator=_seeded(1)))])
    return loss


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def photo() -> Tensor:
    return torch.rand(1, 3, 32, 32, generator=_seeded(0))


def test_terms_are_those_of_the_loss(loss: PerceptualLoss, photo: Tensor) -> None:
    parity = compare(lambda x: 1 - x, loss, photo, photo, [])
    expected = loss(1 - photo, loss.targets(photo))
    network = parity.network
    assert network["content"] == pytest.approx(expected.content.item())
    assert network["style"] == pytest.approx(expected.style.item())
    assert network["loss"] == pytest.approx(expected.total.item())
    assert network["loss"] > network["content"] + network["style"], "total variation counts"
    assert network["seconds"] > 0
    assert parity.photo["content"] == pytest.approx(0, abs=1e-6)
    assert parity.optimized == {}
    assert parity.trace == []


def test_optimization_is_measured_after_the_given_iterations(
    loss: PerceptualLoss, photo: Tensor
) -> None:
    calls = []
    parity = compare(lambda x: x, loss, photo, photo, [3, 9], lambda: calls.append(1))
    assert len(calls) == len(parity.trace) == 9
    assert parity.trace == sorted(parity.trace, reverse=True), "the best so far never rises"
    few, many = parity.optimized[3], parity.optimized[9]
    assert [few["loss"], many["loss"]] == pytest.approx([parity.trace[2], parity.trace[8]])
    assert many["loss"] < few["loss"] < parity.photo["loss"]
    assert few["seconds"] < many["seconds"]
    assert photo.equal(torch.rand(1, 3, 32, 32, generator=_seeded(0))), "the photo is untouched"


@pytest.mark.parametrize(("level", "iteration"), [(5.0, 1), (2.5, 3), (2.0, 3), (0.5, None)])
def test_one_pass_equals_the_first_iteration_that_is_as_low(
    level: float, iteration: int | None
) -> None:
    found = {"content": 0.0, "style": level, "loss": level, "seconds": 0.1}
    assert Parity(found, found, {}, [4.0, 3.0, 2.0, 1.0]).equal_iterations == iteration
