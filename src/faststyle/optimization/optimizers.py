"""How pixels are moved downhill: L-BFGS, L-BFGS-B with bounds, and Adam.

Each is made for one picture, changes it in place, and tells after every iteration. Torch's are
driven one iteration at a time and can be saved after any; SciPy's cannot.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from faststyle.core.errors import UserError

# Evaluations that one line search may take.
_LINE_SEARCH = 25

#: The loss, a scalar with a graph, of a picture (1, 3, H, W).
Objective = Callable[[Tensor], Tensor]


class PixelOptimizer(Protocol):
    """Lowers an objective by changing the ``pixels`` (1, 3, H, W) that it was made for."""

    def minimize(
        self, objective: Objective, iterations: int, after_each: Callable[[], None]
    ) -> None:
        """Run up to ``iterations`` iterations, each with at least one call of ``objective``."""

    def state_dict(self) -> dict[str, Any]:
        """What another instance needs, besides the pixels, to go on as this one would."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""


class _OfTorch:
    """What torch's optimizers have in common: they can be saved after any iteration."""

    _optimizer: torch.optim.Optimizer

    def state_dict(self) -> dict[str, Any]:
        """The state of torch's optimizer."""
        return self._optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Give torch's optimizer its state back."""
        self._optimizer.load_state_dict(state)


class LBFGS(_OfTorch):
    """L-BFGS with a strong Wolfe line search (Liu and Nocedal, 1989), as Gatys et al. used.

    Args:
        pixels: (1, 3, H, W), in the contiguous layout.
        history: how many steps the curvature is estimated from; each takes twice the picture.
    """

    _optimizer: torch.optim.LBFGS

    def __init__(self, pixels: Tensor, history: int = 20) -> None:
        _check_positive("history", history)
        self._pixels = pixels.requires_grad_()
        self._optimizer = torch.optim.LBFGS(
            [pixels],
            max_iter=1,
            max_eval=1 + _LINE_SEARCH,
            tolerance_grad=0,
            tolerance_change=0,
            history_size=history,
            line_search_fn="strong_wolfe",
        )
        self._evaluated: tuple[Tensor, Tensor, Tensor] | None = None

    def minimize(
        self, objective: Objective, iterations: int, after_each: Callable[[], None]
    ) -> None:
        """One call of ``objective`` for each point of a line search."""

        def closure() -> Tensor:
            # Torch begins every iteration by evaluating where the last one ended.
            if self._evaluated is None or not torch.equal(self._evaluated[0], self._pixels):
                loss, gradient = _evaluate(objective, self._pixels)
                self._evaluated = self._pixels.detach().clone(), loss, gradient
            _, loss, self._pixels.grad = self._evaluated
            return loss

        for _ in range(iterations):
            self._optimizer.step(closure)  # type: ignore[no-untyped-call]
            after_each()


class Adam(_OfTorch):
    """Adam (Kingma and Ba, 2015), pixels brought back to [0, 1] after every step.

    Args:
        pixels: (1, 3, H, W).
        learning_rate: in parts of the pixel range.
    """

    def __init__(self, pixels: Tensor, learning_rate: float = 0.02) -> None:
        _check_positive("learning_rate", learning_rate)
        self._pixels = pixels.requires_grad_()
        self._optimizer = torch.optim.Adam([pixels], learning_rate)

    def minimize(
        self, objective: Objective, iterations: int, after_each: Callable[[], None]
    ) -> None:
        """One call of ``objective`` an iteration; pixels are clamped to [0, 1] after it."""
        for _ in range(iterations):
            _, self._pixels.grad = _evaluate(objective, self._pixels)
            self._optimizer.step()
            self._pixels.detach().clamp_(0, 1)
            after_each()


class LBFGSB:
    """L-BFGS-B (Byrd et al., 1995) of SciPy: float64 outside, and pixels bound to [0, 1].

    SciPy keeps its curvature to itself, so every call of :meth:`minimize` starts without any.

    Args:
        pixels: (1, 3, H, W).
        history: how many steps the curvature is estimated from.
    """

    def __init__(self, pixels: Tensor, history: int = 20) -> None:
        _check_positive("history", history)
        self._pixels = pixels
        self.history = history

    def minimize(
        self, objective: Objective, iterations: int, after_each: Callable[[], None]
    ) -> None:
        """SciPy counts the iterations, and may stop before the last if the loss no longer falls."""

        def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
            self._set(flat)
            loss, gradient = _evaluate(objective, self._pixels.clone().requires_grad_())
            return loss.item(), _flat(gradient)

        start = _flat(self._pixels)
        found = minimize(
            value_and_gradient,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, 1)] * start.size,
            callback=lambda _: after_each(),
            options={
                "maxiter": iterations,
                "maxls": _LINE_SEARCH,
                "maxfun": _LINE_SEARCH * iterations,
                "maxcor": self.history,
                "ftol": 0,
                "gtol": 0,
            },
        )
        self._set(found.x)

    def state_dict(self) -> dict[str, Any]:
        """Nothing, since SciPy keeps its curvature to itself."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to load."""

    def _set(self, flat: np.ndarray) -> None:
        self._pixels.copy_(torch.from_numpy(flat).view_as(self._pixels))


def _evaluate(objective: Objective, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The loss, and its gradient in the layout of ``pixels``, which torch's L-BFGS insists on."""
    pixels.grad = None
    loss = objective(pixels)
    loss.backward()  # type: ignore[no-untyped-call]
    assert pixels.grad is not None
    return loss.detach(), pixels.grad.contiguous()


def _flat(pixels: Tensor) -> np.ndarray:
    array: np.ndarray = pixels.detach().double().cpu().numpy().ravel()
    return array


def _check_positive(name: str, value: float) -> None:
    if not isinstance(value, int | float) or not value > 0:
        raise UserError(f"optimizer.{name}={value} must be a number above 0")
