"""One pass of a trained network beside the optimization that it replaces (Johnson et al., 2016).

Their figure 5: the loss of one pass equals that of 50 to 100 iterations of L-BFGS, at a thousandth
of the time of 500.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from faststyle.losses import LossTerms, PerceptualLoss, Targets
from faststyle.optimization.optimizers import LBFGS, Objective

_PASSES = 5


#: ``content``, ``style``, the whole ``loss`` (with total variation, if it has any), ``seconds``.
Terms = Mapping[str, float]


@dataclass(frozen=True)
class Parity:
    """What one photo gave.

    ``network``: after one pass. ``photo``: of the photo as it is. ``optimized``: the best picture
    after so many iterations. ``trace``: the lowest loss after each iteration, from the first on.
    """

    network: Terms
    photo: Terms
    optimized: dict[int, Terms]
    trace: list[float]

    @property
    def equal_iterations(self) -> int | None:
        """The first iteration whose loss is as low as the network's; none if there was none."""
        reached = (i for i, loss in enumerate(self.trace, 1) if loss <= self.network["loss"])
        return next(reached, None)


def compare(
    stylize: Callable[[Tensor], Tensor],
    loss: PerceptualLoss,
    photo: Tensor,
    start: Tensor,
    iterations: Sequence[int],
    after_each: Callable[[], object] = lambda: None,
) -> Parity:
    """Stylize ``photo`` by one pass, and by L-BFGS from ``start``; measure both by ``loss``.

    Both are (1, 3, H, W) in [0, 1]. It is measured after ``iterations``, none of which skips the
    optimization; ``after_each`` is called after every one. Raises ``UserError`` if the loss, whose
    style is set already, is not finite.
    """
    targets = loss.targets(photo)
    stylized, seconds = _timed(lambda: stylize(photo))
    optimized: dict[int, Terms] = {}
    trace: list[float] = []
    objective = Objective(loss, photo)
    began = time.perf_counter()

    def measure() -> None:
        trace.append(objective.best_loss)
        if len(trace) in iterations:
            elapsed = time.perf_counter() - began
            assert objective.best is not None
            optimized[len(trace)] = _terms(loss, objective.best, targets, elapsed)
        after_each()

    if iterations:
        pixels = start.clone(memory_format=torch.contiguous_format)
        LBFGS(pixels).minimize(objective, max(iterations), measure)
    network = _terms(loss, stylized, targets, seconds)
    return Parity(network, _terms(loss, photo, targets, 0.0), optimized, trace)


@torch.no_grad()
def _terms(loss: PerceptualLoss, picture: Tensor, targets: Targets, seconds: float) -> Terms:
    found: LossTerms = loss(picture, targets)
    terms = {"content": found.content, "style": found.style, "loss": found.total}
    return {**{name: value.item() for name, value in terms.items()}, "seconds": seconds}


def _timed(run: Callable[[], Tensor]) -> tuple[Tensor, float]:
    """The result, and the median time of a few runs after a first one."""
    result = run()
    seconds = []
    for _ in range(_PASSES):
        began = time.perf_counter()
        result = run()
        if result.is_cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return result, median(seconds)
