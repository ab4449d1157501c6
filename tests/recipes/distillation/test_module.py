import copy

import pytest
import torch

from faststyle.encoder import LiteEncoder, VGGEncoder
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.losses.defaults import CONTENT, STYLE, STYLE_WEIGHT
from recipes.distillation.examples import ExampleMixer
from recipes.distillation.module import Distillation


def test_the_gradient_is_that_of_the_perceptual_loss() -> None:
    torch.manual_seed(0)
    teacher = VGGEncoder("vgg19", "random", unit_activations=True)
    module = Distillation(teacher, teacher, ExampleMixer(pool=2))
    pictures, number = torch.rand(2, 3, 32, 32), 5
    _, found = module.compare(pictures, torch.tensor([number] * 2), torch.tensor([1, 0]))
    loss = PerceptualLoss(teacher, CONTENT, STYLE, style_weight=STYLE_WEIGHT, statistic="gram")
    loss.set_style([StyleImage(module.pictures.bank(32)[number])])
    targets = loss.targets(pictures.flip(0))
    pictures.requires_grad_()
    (expected,) = torch.autograd.grad(2 * loss(pictures, targets).total, pictures)
    assert torch.allclose(found, expected, rtol=1e-3, atol=float(expected.abs().max()) * 1e-4)


def test_a_teacher_that_is_its_own_student_has_no_loss() -> None:
    lite = LiteEncoder("random")
    same = Distillation(lite, lite, ExampleMixer(pool=2))
    numbers = torch.tensor([0, 1, 2])
    terms, _ = same.compare(torch.rand(3, 3, 32, 32), numbers, numbers.roll(1), train=False)
    assert all(value < 1e-10 for value in terms.values())


@pytest.mark.parametrize("term", ["features/relu2_2", "gram/relu2_2", "gradient"])
def test_steps_on_a_term_bring_the_student_closer(term: str) -> None:
    torch.manual_seed(0)
    student = LiteEncoder("random", frozen=False)
    teacher = copy.deepcopy(student)
    with torch.no_grad():
        for weight in student.parameters():
            weight.mul_(1 + 0.1 * torch.randn_like(weight))
    module = Distillation(student, teacher, ExampleMixer(pool=2))
    pictures, styles = torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 2, 3])
    optimizer = torch.optim.Adam(module.student.parameters(), 1e-4)
    values = []
    for _ in range(20):
        optimizer.zero_grad()
        terms, _ = module.compare(pictures, styles, styles.roll(1))
        value = terms[term]
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.student.parameters(), 1.0)
        optimizer.step()
        values.append(value.item())
    assert min(values[-3:]) < 0.9 * values[0]


def test_only_the_student_is_trained_and_saved() -> None:
    student = LiteEncoder("random", frozen=False)
    module = Distillation(student, VGGEncoder("vgg19", "random"), ExampleMixer(pool=2))
    assert {id(p) for p in module.parameters()} == {id(p) for p in student.parameters()}
    assert all(key.startswith("student.") for key in module.state_dict())
