import copy

import pytest
import torch

from faststyle.encoder import LiteEncoder, VGGEncoder
from faststyle.encoder.lite import HEADS
from faststyle.losses import PerceptualLoss
from faststyle.losses.perceptual import StyleImage
from faststyle.training.distillation.examples import ExampleMixer
from faststyle.training.distillation.module import (
    CONTENT,
    STYLE,
    STYLE_WEIGHT,
    Distillation,
    _gradient,
    _grams,
)


@pytest.fixture(scope="module")
def module() -> Distillation:
    torch.manual_seed(0)
    teacher = VGGEncoder("vgg19", "random", unit_activations=True)
    student = LiteEncoder("random", frozen=False)
    return Distillation(student, teacher, ExampleMixer(pool=2))


def test_the_gradient_is_that_of_the_perceptual_loss(module: Distillation) -> None:
    pictures, style = torch.rand(2, 3, 32, 32), torch.rand(3, 32, 32)
    loss = PerceptualLoss(module.teacher, {CONTENT: 1.0}, STYLE, style_weight=STYLE_WEIGHT)
    loss.set_style([StyleImage(style)])
    pictures.requires_grad_()
    photos = pictures.detach().roll(1, 0)
    value = 2 * loss(pictures, loss.content_targets(photos))["loss"]
    (expected,) = torch.autograd.grad(value, pictures)
    features = module.teacher(pictures, HEADS)
    targets = _grams(module.teacher(style.expand(2, -1, -1, -1), STYLE))
    targets["content"] = module.teacher(photos, [CONTENT])[CONTENT]
    scales = {name: target.square().flatten(1).sum(1) for name, target in targets.items()}
    found = _gradient(features, _grams(features), targets, scales, pictures, graph=False)
    assert torch.allclose(found, expected, rtol=1e-3, atol=float(expected.abs().max()) * 1e-4)


def test_a_teacher_that_is_its_own_student_has_no_loss() -> None:
    lite = LiteEncoder("random")
    same = Distillation(lite, lite, ExampleMixer(pool=2))  # type: ignore[arg-type]
    terms, _ = same._terms(
        torch.rand(3, 3, 32, 32), torch.tensor([0, 1, 2]), torch.tensor([2, 0, 1]), False
    )
    assert all(value < 1e-10 for value in terms.values())


@pytest.mark.parametrize("term", ["features/relu2_2", "gram/relu2_2", "gradient"])
def test_steps_on_a_term_bring_the_student_closer(term: str) -> None:
    torch.manual_seed(0)
    student = LiteEncoder("random", frozen=False)
    teacher = copy.deepcopy(student)
    with torch.no_grad():
        for weight in student.parameters():
            weight.mul_(1 + 0.1 * torch.randn_like(weight))
    module = Distillation(student, teacher, ExampleMixer(pool=2))  # type: ignore[arg-type]
    pictures, styles = torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 2, 3])
    optimizer = torch.optim.Adam(module.student.parameters(), 3e-4)
    values = []
    for _ in range(15):
        optimizer.zero_grad()
        value = module._terms(pictures, styles, styles.roll(1), train=True)[0][term]
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.student.parameters(), 1.0)
        optimizer.step()
        values.append(value.item())
    assert min(values[-3:]) < 0.9 * values[0]
