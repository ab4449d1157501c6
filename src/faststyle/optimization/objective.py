"""What is lowered: the perceptual loss of one picture against one photo and one style."""

import math
from typing import Any

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.losses import LossTerms, PerceptualLoss


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
    file can hold.

    Args:
        loss: the perceptual loss, its style already set.
        photo: the content, (1, 3, H, W) in [0, 1], or none if no term asks for one.

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
