"""Learning rates over the steps of a run, each as a factor of the first one.

In closed form, so that a run that goes on with more steps than it was begun with falls along the
longer curve, and what a checkpoint holds of the shorter one does not matter.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from faststyle.core.errors import UserError

#: Step, counted from 0, to a factor.
Schedule = Callable[[int], float]


def constant(_step: int) -> float:
    """1 at every step."""
    return 1.0


def cosine(step: int, steps: int) -> float:
    """From 1 to 0 along half a cosine of ``steps`` (Loshchilov and Hutter, 2017), 0 after it.

    Raises ``UserError`` if ``steps`` is not at least 1.
    """
    if steps < 1:
        raise UserError(f"trainer.max_steps is {steps}; it must be 1 or more for schedule=cosine")
    return (1 + math.cos(math.pi * min(1.0, step / steps))) / 2


def step_decay(step: int, every: int, factor: float) -> float:
    """Times ``factor`` after each ``every`` steps."""
    return float(factor ** (step // every))


def milestones(step: int, at: Sequence[int], factor: float) -> float:
    """Times ``factor`` from each of the steps ``at`` on."""
    return float(factor ** sum(step >= each for each in at))


def scheduled(optimizer: Optimizer, schedule: Schedule, warmup_steps: int = 0) -> dict[str, Any]:
    """What Lightning's ``configure_optimizers`` returns.

    The rates that ``optimizer`` came with, times ``schedule``, times a rise from almost 0 to 1 over
    the first ``warmup_steps``.
    """

    def factor(step: int) -> float:
        return schedule(step) * min(1.0, (step + 1) / max(1, warmup_steps))

    scheduler = LambdaLR(optimizer, factor)
    shown = {"scheduler": scheduler, "interval": "step", "name": "work/learning_rate"}
    return {"optimizer": optimizer, "lr_scheduler": shown}
