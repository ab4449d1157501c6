"""The terms of the perceptual loss, each a formula over one batch.

Notation: F is the (N, C, H, W) features of a layer, n a picture of the batch. Every function
returns one value per picture, shape (N,). Half-precision input is widened to float32, since sums
over H*W overflow or lose digits otherwise; float64 stays float64.
"""

from typing import Any

import torch
from torch import Tensor

#: A target counts as having at least this part of the picture's own energy. Without a floor, one
#: blank photo would outweigh a thousand others; an absolute one would depend on the encoder.
MIN_ENERGY = 1e-3

SCALES = ("relative", "paper")
STATISTICS = ("gram", "covariance", "moments")


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
        # (N, H * W, C), which a channels-last tensor is already.
        pixels = features.permute(0, 2, 3, 1).flatten(1, 2)
        if centered:
            pixels = _widen(pixels)
            pixels = pixels - pixels.mean(1, keepdim=True)
        gram: Tensor = _Gram.apply(pixels)
        return gram


class _Gram(torch.autograd.Function):
    """G = P^T P / (C H W) of P (N, H * W, C).

    Its gradient P (dG + dG^T) / (C H W) is one product, where autograd would make two. It is made
    in the dtype of P, in which it goes on to the layers before.
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor) -> Tensor:
        ctx.save_for_backward(pixels)
        wide = _widen(pixels)
        return wide.transpose(1, 2) @ wide / pixels[0].numel()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (pixels,) = ctx.saved_tensors
        weights = (grad + grad.transpose(1, 2)) / pixels[0].numel()
        # Scaled to 1 before it loses digits or range, and back after.
        largest = weights.abs().amax().clamp_min(torch.finfo(weights.dtype).tiny)
        gradient: Tensor = pixels @ (weights / largest).to(pixels.dtype)
        return gradient.mul_(largest)


def style_statistics(features: Tensor, statistic: str) -> tuple[Tensor, ...]:
    """What the style of a layer is measured by, each (N, C, C) or (N, C).

    ``gram``: the Gram matrix. ``covariance``: the Gram matrix of mean-centered features.
    ``moments``: covariance and channel means, that is the Gaussian fitted to the features; the
    raw Gram matrix mixes both, and where means are large (random weights) they drown the rest.
    """
    if statistic == "gram":
        return (gram_matrix(features),)
    covariance = gram_matrix(features, centered=True)
    if statistic == "covariance":
        return (covariance,)
    return covariance, _widen(features).mean((2, 3))


def feature_distance(value: Tensor, target: Tensor, scale: str) -> Tensor:
    """Squared distance of features to the content's, per picture.

    ``paper``: mean over C, H, W of (F - T)^2 (Johnson et al., 2016, eq. 2).
    ``relative``: sum (F - T)^2 / sum T^2, so 1 is the distance of a blank from the target; the
    divisor is at least :data:`MIN_ENERGY` times sum F^2.

    Args:
        value: (N, C, H, W).
        target: as ``value``.
        scale: ``paper`` or ``relative``.

    Returns:
        (N,).
    """
    value, target = _widen(value), _widen(target)
    if scale == "paper":
        return (value - target).square().mean((1, 2, 3))
    return _relative(value, target)


def statistic_distance(value: Tensor, target: Tensor, scale: str) -> Tensor:
    """Squared distance of a style statistic (N, ...) to its target (1, ...), per picture.

    ``paper``: the squared Frobenius norm ||G - T||^2 (Johnson et al., 2016, eq. 4).
    ``relative``: ||G - T||^2 / ||T||^2.
    """
    if scale == "paper":
        return (value - target).square().flatten(1).sum(1)
    return _relative(value, target)


def total_variation(images: Tensor, scale: str) -> Tensor:
    """Squared differences of neighboring pixels, per picture of (N, 3, H, W) in [0, 1].

    ``paper``: sum_chw (x[h+1] - x[h])^2 + (x[w+1] - x[w])^2 (Johnson et al., 2016, with beta = 2).
    ``relative``: the mean of each direction instead of the sum, so that the size of the picture
    does not matter; total variation has no target to be relative to.
    """
    images = _widen(images)
    down = (images[:, :, 1:] - images[:, :, :-1]).square()
    right = (images[:, :, :, 1:] - images[:, :, :, :-1]).square()
    if scale == "paper":
        return down.sum((1, 2, 3)) + right.sum((1, 2, 3))
    return down.sum((1, 2, 3)) / max(1, down[0].numel()) + right.sum((1, 2, 3)) / max(
        1, right[0].numel()
    )


def _relative(value: Tensor, target: Tensor) -> Tensor:
    floor = MIN_ENERGY * _energy(value.detach())
    tiny = torch.finfo(value.dtype).tiny
    return _energy(value - target) / _energy(target).maximum(floor).clamp_min(tiny)


def _energy(x: Tensor) -> Tensor:
    return x.square().flatten(1).sum(1)


def _widen(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
