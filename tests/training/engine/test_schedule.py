import math
from functools import partial
from typing import Any

import pytest
import torch
from torch.optim import SGD

from faststyle.core.errors import UserError
from faststyle.training.engine.schedule import (
    Schedule,
    constant,
    cosine,
    milestones,
    scheduled,
    step_decay,
)


def configured(schedule: Schedule, warmup_steps: int = 0) -> dict[str, Any]:
    return scheduled(SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8), schedule, warmup_steps)


def rates(configured: dict[str, Any], steps: int) -> list[float]:
    optimizer, scheduler = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_warm_up_raises_the_learning_rate_step_by_step() -> None:
    found = rates(configured(constant, warmup_steps=4), steps=6)
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8])


def test_a_cosine_falls_to_0_and_stays_there() -> None:
    expected = [0.8, 0.8 * (1 + math.sqrt(0.5)) / 2, 0.4, 0.8 * (1 - math.sqrt(0.5)) / 2, 0, 0]
    assert rates(configured(partial(cosine, steps=4)), steps=6) == pytest.approx(expected)


def test_a_staircase_falls_every_so_many_steps() -> None:
    found = rates(configured(partial(step_decay, every=2, factor=0.5)), steps=5)
    assert found == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2])


def test_a_rate_falls_at_each_milestone() -> None:
    found = rates(configured(partial(milestones, at=[1, 4], factor=0.1)), steps=6)
    assert found == pytest.approx([0.8, 0.08, 0.08, 0.08, 0.008, 0.008])


def test_the_warm_up_times_the_schedule() -> None:
    found = rates(configured(partial(cosine, steps=4), warmup_steps=3), steps=4)
    unwarmed = rates(configured(partial(cosine, steps=4)), steps=4)
    factors = (1 / 3, 2 / 3, 1, 1)
    assert found == pytest.approx([u * f for u, f in zip(unwarmed, factors, strict=True)])


def test_a_run_that_is_made_longer_goes_on_along_the_longer_cosine() -> None:
    short, long = configured(partial(cosine, steps=4)), configured(partial(cosine, steps=8))
    rates(short, steps=4)
    long["optimizer"].load_state_dict(short["optimizer"].state_dict())
    long["lr_scheduler"]["scheduler"].load_state_dict(
        short["lr_scheduler"]["scheduler"].state_dict()
    )
    undisturbed = rates(configured(partial(cosine, steps=8)), steps=8)
    long["lr_scheduler"]["scheduler"].step()
    assert rates(long, steps=3) == pytest.approx(undisturbed[5:])


def test_a_cosine_needs_a_last_step() -> None:
    with pytest.raises(UserError, match="must be 1 or more"):
        cosine(0, steps=-1)
