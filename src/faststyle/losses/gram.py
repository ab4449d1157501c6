"""Style by second moments: Gram matrices, covariances, means.

Half-precision features are widened to float32, since sums over H*W overflow or lose digits
otherwise; float64 stays float64.
"""

from typing import Any

import torch
from torch import Tensor

from faststyle.core.precision import widen
from faststyle.losses.base import STYLE_LOSSES, StatisticLoss, Target


@STYLE_LOSSES.register("gram")
class Gram(StatisticLoss):
    """The Gram matrix, (N, C, C) (Gatys et al., 2016); see :func:`gram_matrix`."""

    def statistics(self, features: Tensor) -> Target:
        """The Gram matrix alone."""
        return (gram_matrix(features),)


@STYLE_LOSSES.register("covariance")
class Covariance(StatisticLoss):
    """The Gram matrix of mean-centered features, (N, C, C)."""

    def statistics(self, features: Tensor) -> Target:
        """The covariance alone."""
        return (gram_matrix(features, centered=True),)


@STYLE_LOSSES.register("gram_global_mean")
class GlobalMeanGram(StatisticLoss):
    """The Gram matrix of features less one mean over C, H and W, (N, C, C), as CNTK has it."""

    def statistics(self, features: Tensor) -> Target:
        """That Gram matrix alone."""
        features = widen(features)
        return (gram_matrix(features - features.mean((1, 2, 3), keepdim=True)),)


@STYLE_LOSSES.register("moments")
class Moments(StatisticLoss):
    """Covariance (N, C, C) and channel means (N, C): the Gaussian fitted to the features.

    The raw Gram matrix mixes both, and where means are large (random weights) they drown the rest.
    """

    def statistics(self, features: Tensor) -> Target:
        """Covariance and means."""
        return _moments(features, centered=True)


def gram_matrix(features: Tensor, centered: bool = False) -> Tensor:
    """Gram matrix (N, C, C) of features (N, C, H, W) (Johnson et al., 2016, eq. 3).

    G[n, c, d] = sum_hw F[n, c, h, w] F[n, d, h, w] / (C H W), computed in float32 or better. If
    ``centered``, the mean over h, w is taken from F first, which makes G the covariance of the
    channels divided by C.
    """
    return _moments(features, centered)[0]


def _moments(features: Tensor, centered: bool) -> tuple[Tensor, Tensor]:
    with torch.autocast(features.device.type, enabled=False):
        # A channels-last tensor is (N, H * W, C) already.
        gram, means = _Moments.apply(features.permute(0, 2, 3, 1).flatten(1, 2), centered)
        return gram, means


class _Moments(torch.autograd.Function):
    """The Gram matrix of P (N, H * W, C), if ``centered`` of P - m, and its mean m (N, C).

    The gradient (P - m) W + dm / (H W), where W = (dG + dG^T) / (C H W), is P W and one row for
    all pixels. So it is one product, and nothing as large as P is kept or made beside it: autograd
    would keep P - m in float32, and add up three gradients. It is made in the dtype of P, in which
    it goes on to the layers before.
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, centered: bool) -> tuple[Tensor, Tensor]:
        means = pixels.mean(1, dtype=widen(pixels[:0]).dtype)
        ctx.centered = centered
        ctx.save_for_backward(pixels, means)
        around = pixels - means[:, None] if centered else widen(pixels)
        return around.transpose(1, 2) @ around / pixels[0].numel(), means

    @staticmethod
    def backward(ctx: Any, grad: Tensor, grad_means: Tensor) -> tuple[Tensor, None]:
        pixels, means = ctx.saved_tensors
        weights = (grad + grad.transpose(1, 2)) / pixels[0].numel()
        row = grad_means[:, None] / pixels.shape[1]
        row = row - means[:, None] @ weights if ctx.centered else row
        # Divided by the largest, they lose neither digits nor range in the dtype of P.
        largest = torch.maximum(weights.abs().amax(), row.abs().amax())
        largest = largest.clamp_min(torch.finfo(weights.dtype).tiny)
        row, weights = ((each / largest).to(pixels.dtype) for each in (row, weights))
        gradient: Tensor = torch.baddbmm(row, pixels, weights)
        return gradient.mul_(largest), None
