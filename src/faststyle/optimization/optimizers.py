"""How pixels are moved downhill: L-BFGS, L-BFGS-B with bounds, and Adam, on a perceptual loss.

Each optimizer is made for one picture, changes it in place, and tells after every iteration.
Torch's are driven one iteration at a time and can be saved after any; SciPy's cannot.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.losses import LossTerms, PerceptualLoss

# Evaluations that one line search may take.
_LINE_SEARCH = 25

#: The loss, a scalar with a graph, of a picture (1, 3, H, W).
Loss = Callable[[Tensor], Tensor]


class _Clamp(torch.autograd.Function):
    """Clamp to [0, 1], with the gradient of pixels outside kept where descent leads back inside.

    With none at all a pixel that once left would stay out; from noise, a third of them did, and the
    loss of an inverted relu1_2 ended eight times as high.
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor) -> Tensor:
        ctx.save_for_backward(pixels)
        return pixels.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (pixels,) = ctx.saved_tensors
        outward = ((pixels > 1) & (grad < 0)) | ((pixels < 0) & (grad > 0))
        return grad.masked_fill(outward, 0)


class Objective:
    """The loss of a picture, which also remembers the best one that it was shown.

    Pixels outside [0, 1] count as clamped, so that the value is always that of a picture which a
    file can hold. The style of ``loss`` is set already; ``photo`` is the content, (1, 3, H, W) in
    [0, 1], or none if no term asks for one.

    Attributes:
        terms: what the last picture's loss consisted of; there is none before the first.
        best: (1, 3, H, W) in [0, 1], the picture of the lowest loss so far, or none.
        best_loss: its loss.
    """

    terms: LossTerms

    def __init__(self, loss: PerceptualLoss, photo: Tensor | None) -> None:
        self._loss = loss
        self._targets = loss.targets(photo)
        self.best: Tensor | None = None
        self.best_loss = float("inf")

    def __call__(self, pixels: Tensor) -> Tensor:
        """The loss of ``pixels`` (1, 3, H, W), a scalar. Raises ``UserError`` if not finite."""
        picture: Tensor = _Clamp.apply(pixels)
        self.terms = self._loss(picture, self._targets)
        loss = self.terms.total
        value = loss.item()
        if not math.isfinite(value):
            raise UserError(
                "the loss is no longer finite; the best picture so far is kept."
                " Lower optimizer.learning_rate, or the weights of the loss"
            )
        if value < self.best_loss:
            self.best, self.best_loss = picture.detach().clone(), value
        return loss


class PixelOptimizer(ABC):
    """Lowers a loss by changing the ``pixels`` (1, 3, H, W) that it was made for."""

    #: Torch's, which can be saved after any iteration, or none.
    _optimizer: torch.optim.Optimizer | None = None

    @abstractmethod
    def minimize(self, loss: Loss, iterations: int, after_each: Callable[[], object]) -> None:
        """Run up to ``iterations`` iterations, each with at least one call of ``loss``."""

    def state_dict(self) -> dict[str, Any]:
        """What another instance needs, besides the pixels, to go on as this one would."""
        return self._optimizer.state_dict() if self._optimizer else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        if self._optimizer:
            self._optimizer.load_state_dict(state)


class LBFGS(PixelOptimizer):
    """L-BFGS with a strong Wolfe line search (Liu and Nocedal, 1989), as Gatys et al. used.

    ``pixels`` are in the contiguous layout. The curvature is estimated from ``history`` steps, each
    of which takes twice the picture.
    """

    def __init__(self, pixels: Tensor, history: int = 20) -> None:
        _check_positive("history", history)
        self._pixels = pixels.requires_grad_()
        self._optimizer: torch.optim.LBFGS = torch.optim.LBFGS(
            [pixels],
            max_iter=1,
            max_eval=1 + _LINE_SEARCH,
            tolerance_grad=0,
            tolerance_change=0,
            history_size=history,
            line_search_fn="strong_wolfe",
        )
        self._evaluated: tuple[Tensor, Tensor, Tensor] | None = None

    def minimize(self, loss: Loss, iterations: int, after_each: Callable[[], object]) -> None:
        """One call of ``loss`` for each point of a line search."""

        def closure() -> Tensor:
            # Torch begins every iteration by evaluating where the last one ended.
            if self._evaluated is None or not torch.equal(self._evaluated[0], self._pixels):
                at = self._pixels.detach().clone()
                self._evaluated = at, *_evaluate(loss, self._pixels)
            _, value, self._pixels.grad = self._evaluated
            return value

        for _ in range(iterations):
            self._optimizer.step(closure)  # type: ignore[no-untyped-call]
            after_each()


class Adam(PixelOptimizer):
    """Adam (Kingma and Ba, 2015), pixels brought back to [0, 1] after every step.

    ``learning_rate`` is in parts of the pixel range.
    """

    def __init__(self, pixels: Tensor, learning_rate: float = 0.02) -> None:
        _check_positive("learning_rate", learning_rate)
        self._pixels = pixels.requires_grad_()
        self._optimizer: torch.optim.Adam = torch.optim.Adam([pixels], learning_rate)

    def minimize(self, loss: Loss, iterations: int, after_each: Callable[[], object]) -> None:
        """One call of ``loss`` an iteration; pixels are clamped to [0, 1] after it."""
        for _ in range(iterations):
            _, self._pixels.grad = _evaluate(loss, self._pixels)
            self._optimizer.step()
            self._pixels.detach().clamp_(0, 1)
            after_each()


class LBFGSB(PixelOptimizer):
    """L-BFGS-B (Byrd et al., 1995) of SciPy: float64 outside, and pixels bound to [0, 1].

    SciPy keeps its curvature, of ``history`` steps, to itself, so every call of :meth:`minimize`
    starts without any.
    """

    def __init__(self, pixels: Tensor, history: int = 20) -> None:
        _check_positive("history", history)
        self._pixels = pixels
        self.history = history

    def minimize(self, loss: Loss, iterations: int, after_each: Callable[[], object]) -> None:
        """SciPy counts the iterations, and may stop before the last if the loss no longer falls."""

        def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
            self._set(flat)
            value, gradient = _evaluate(loss, self._pixels.clone().requires_grad_())
            return value.item(), _flat(gradient)

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

    def _set(self, flat: np.ndarray) -> None:
        self._pixels.copy_(torch.from_numpy(flat).view_as(self._pixels))


def _evaluate(loss: Loss, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The loss, and its gradient in the layout of ``pixels``, which torch's L-BFGS insists on."""
    pixels.grad = None
    value = loss(pixels)
    value.backward()  # type: ignore[no-untyped-call]
    assert pixels.grad is not None
    return value.detach(), pixels.grad.contiguous()


def _flat(pixels: Tensor) -> np.ndarray:
    array: np.ndarray = pixels.detach().double().cpu().numpy().ravel()
    return array


def _check_positive(name: str, value: float) -> None:
    if not isinstance(value, int | float) or not value > 0:
        raise UserError(f"optimizer.{name}={value} must be a number above 0")
