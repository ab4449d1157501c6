import pytest
import torch

from faststyle.core.errors import UserError
from recipes.distillation.examples import Painters

PHOTOS = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))


def test_a_painter_learns_what_the_gradient_asks_for() -> None:
    painters = Painters(networks=1, learning_rate=1e-2)
    distances = []
    for _ in range(60):
        painted, _ = painters.paint(PHOTOS, 8)
        distances.append(float((painted - 0.9).square().mean()))
        painters.learn(painted - 0.9)
    assert distances[-1] < 0.3 * distances[0]


def test_painters_take_turns_and_change_their_style_after_their_steps() -> None:
    painters = Painters(networks=2, steps=3)
    styles = []
    for _ in range(12):
        styles.append(painters.paint(PHOTOS, 1_000_000)[1])
        painters.learn(torch.zeros_like(PHOTOS))
    first, second = styles[::2], styles[1::2]
    assert first == [first[0]] * 3 + [first[3]] * 3
    assert second == [second[0]] * 3 + [second[3]] * 3
    assert len({first[0], first[3], second[0], second[3]}) == 4


def test_a_seed_makes_the_same_painters_and_leaves_others_random_numbers_alone() -> None:
    before = torch.get_rng_state()
    one, same = (Painters(seed=3).paint(PHOTOS, 8)[0] for _ in range(2))
    assert torch.equal(one, same)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["networks", "steps"])
def test_no_painters_or_steps_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=rf"pictures\.painters\.{name} is 0"):
        Painters(**{name: 0})
