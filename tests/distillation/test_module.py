import pytest
import torch

from faststyle.distillation.module import (
    CONTENT,
    STYLE,
    STYLE_WEIGHT,
    Distillation,
    _gradient,
)
from faststyle.distillation.pictures import Pictures
from faststyle.encoder import LiteEncoder, VGGEncoder
from faststyle.encoder.lite import HEADS
from faststyle.losses import PerceptualLoss
from faststyle.losses.perceptual import StyleImage


@pytest.fixture(scope="module")
def module() -> Distillation:
    torch.manual_seed(0)
    teacher = VGGEncoder("vgg19", "random", unit_activations=True)
    return Distillation(LiteEncoder("random", frozen=False), teacher, Pictures(pool=2))


def test_the_gradient_is_that_of_the_perceptual_loss(module: Distillation) -> None:
    pictures, style = torch.rand(2, 3, 32, 32), torch.rand(3, 32, 32)
    loss = PerceptualLoss(module.teacher, {CONTENT: 1.0}, STYLE, style_weight=STYLE_WEIGHT)
    loss.set_style([StyleImage(style)])
    targets = module._grams(module.teacher, style.expand(2, -1, -1, -1))
    pictures.requires_grad_()
    value = 2 * loss(pictures, loss.content_targets(pictures.detach().roll(1, 0)))["loss"]
    (expected,) = torch.autograd.grad(value, pictures)
    features = module.teacher(pictures, HEADS)
    scales = {layer: grams.square().sum((1, 2)) for layer, grams in targets.items()}
    scales["content"] = features[CONTENT].detach().roll(1, 0).square().sum((1, 2, 3))
    found = _gradient(features, targets, scales, pictures, 0, graph=False)
    assert torch.allclose(found, expected, rtol=1e-3, atol=float(expected.abs().max()) * 1e-4)


def test_a_teacher_that_is_its_own_student_has_no_loss() -> None:
    lite = LiteEncoder("random")
    same = Distillation(lite, lite, Pictures(pool=2))  # type: ignore[arg-type]
    terms, _ = same._terms(torch.rand(3, 3, 32, 32), torch.tensor([0, 1, 2]), 1, train=False)
    assert all(value < 1e-10 for value in terms.values())


def test_steps_bring_the_student_closer_in_every_respect(module: Distillation) -> None:
    pictures, styles = torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 2, 3])
    optimizer = torch.optim.Adam(module.student.parameters(), 5e-4)
    before, _ = module._terms(pictures, styles, 1, train=False)
    for _ in range(25):
        optimizer.zero_grad()
        terms, _ = module._terms(pictures, styles, 1, train=True)
        terms["loss"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    after, _ = module._terms(pictures, styles, 1, train=False)
    for term in ("loss", "features/relu2_2", "gram/relu2_2", "gradient"):
        assert after[term] < before[term], term
