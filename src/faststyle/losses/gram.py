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


@STYLE_LOSSES.register("moments")
class Moments(StatisticLoss):
    """Covariance (N, C, C) and channel means (N, C): the Gaussian fitted to the features.

    The raw Gram matrix mixes both, and where means are large (random weights) they drown the rest.
    """

    def statistics(self, features: Tensor) -> Target:
        """Covariance and means."""
        with torch.autocast(features.device.type, enabled=False):
            covariance, means = _Moments.apply(_pixels(features))
            return covariance, means


def gram_matrix(features: Tensor, centered: bool = False) -> Tensor:
    """Gram matrix (Johnson et al., 2016, eq. 3), always computed in float32 or better.

    G[n, c, d] = sum_hw F[n, c, h, w] F[n, d, h, w] / (C H W). If ``centered``, the mean over h, w
    is taken from F first, which makes G the covariance of the channels divided by C.

    Args:
        features: (N, C, H, W).
        centered: subtract each channel's mean.

    Returns:
        (N, C, C).
    """
    with torch.autocast(features.device.type, enabled=False):
        pixels = _pixels(features)
        gram: Tensor = _Moments.apply(pixels)[0] if centered else _Gram.apply(pixels)
        return gram


def _pixels(features: Tensor) -> Tensor:
    """(N, C, H, W) as (N, H * W, C), which a channels-last tensor is already."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)


class _Gram(torch.autograd.Function):
    """G = P^T P / (C H W) of P (N, H * W, C).

    Its gradient P (dG + dG^T) / (C H W) is one product, where autograd would make two. It is made
    in the dtype of P, in which it goes on to the layers before.
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor) -> Tensor:
        ctx.save_for_backward(pixels)
        return _products(widen(pixels))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (pixels,) = ctx.saved_tensors
        weights = _weights(grad, pixels)
        largest = _largest(weights)
        gradient: Tensor = pixels @ (weights / largest).to(pixels.dtype)
        return gradient.mul_(largest)


class _Moments(torch.autograd.Function):
    """The Gram matrix of centered pixels P - m, and their mean m (N, C), of P (N, H * W, C).

    The gradient (P - m) W + dm / (H W), where W = (dG + dG^T) / (C H W), is P W and one row for
    all pixels. So it is one product again, and nothing as large as P is kept or made beside it:
    autograd would keep P - m in float32, and add up three gradients.
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
        means = pixels.mean(1, dtype=widen(pixels[:0]).dtype)
        ctx.save_for_backward(pixels, means)
        return _products(pixels - means[:, None]), means

    @staticmethod
    def backward(ctx: Any, grad: Tensor, grad_means: Tensor) -> Tensor:
        pixels, means = ctx.saved_tensors
        weights = _weights(grad, pixels)
        row = grad_means[:, None] / pixels.shape[1] - means[:, None] @ weights
        largest = torch.maximum(_largest(weights), _largest(row))
        row, weights = ((each / largest).to(pixels.dtype) for each in (row, weights))
        gradient: Tensor = torch.baddbmm(row, pixels, weights)
        return gradient.mul_(largest)


def _products(pixels: Tensor) -> Tensor:
    return pixels.transpose(1, 2) @ pixels / pixels[0].numel()


def _weights(grad: Tensor, pixels: Tensor) -> Tensor:
    return (grad + grad.transpose(1, 2)) / pixels[0].numel()


def _largest(values: Tensor) -> Tensor:
    """What to divide by before ``values`` lose digits or range, and to multiply with after."""
    return values.abs().amax().clamp_min(torch.finfo(values.dtype).tiny)
