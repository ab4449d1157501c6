"""Instance normalization and ReLU in one, for channels-last tensors on a CPU.

PyTorch's own instance norm turns channels-last tensors into channels-first ones and back; its batch
norm does not, and batch norm of a batch of one picture is instance norm.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from faststyle.core.precision import widen

#: Pixels up to which PyTorch's batch norm, which adds them up one after another in float32, gives
#: statistics to four digits. Of 4096 x 4096 it loses so many that pictures change visibly.
BATCH_NORM_PIXELS = 1 << 18
#: Values (16 MiB in float32) up to which it is faster than a chunk at a time: they fit the cache.
BATCH_NORM_VALUES = 1 << 22
#: Values of a chunk to be normalized, 1 MiB in float32, and of one to be summed; and its pixels.
CHUNK_VALUES, SUM_VALUES, SUM_PIXELS = 1 << 18, 1 << 20, 1 << 15
#: Values that are summed side by side: with fewer channels, of several pixels at once.
LANES = 64


def instance_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float, relu: bool) -> Tensor:
    """Normalize over each picture's H and W: (x - mean) / sqrt(var + eps) * weight + bias.

    ``x`` is (N, C, H, W), best in channels-last layout, and overwritten if no graph is recorded.
    ``weight`` and ``bias`` are (C,), or (N, C, 1, 1) if each picture has its own. They and the
    statistics count in float32 where a dtype is shorter. The variance is the biased one (Ulyanov et
    al., 2017). ``relu``: clamp at 0.

    Returns (N, C, H, W) in the dtype of ``x`` and channels-last layout.
    """
    x = x.contiguous(memory_format=torch.channels_last)
    weight, bias = (widen(each).view(-1, x.shape[1]).expand(len(x), -1) for each in (weight, bias))
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
        result: Tensor = _InstanceNorm.apply(x, weight, bias, eps, relu)
        return result
    _normalize(x, x, weight, bias, eps, relu)
    return x


class _InstanceNorm(torch.autograd.Function):
    """The same with a graph that keeps ``x`` and the result, and nothing else of their size."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, relu: bool
    ) -> Tensor:
        y = torch.empty_like(x)
        mean, rstd = _normalize(x, y, weight, bias, eps, relu)
        ctx.eps = eps
        ctx.save_for_backward(x, weight, mean, rstd, y if relu else None)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, rstd, y = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        if torch.is_grad_enabled():  # for second derivatives
            return *_differentiable_gradients(x, weight, grad, y, ctx.eps), None, None
        if y is not None:
            grad = torch.ops.aten.threshold_backward(grad, y, 0)
        dx = torch.empty_like(x)
        d_weight, d_bias = torch.empty_like(mean), torch.empty_like(mean)
        for n, (w, m, r) in enumerate(zip(weight, mean, rstd, strict=True)):
            one = slice(n, n + 1)
            dx[one], d_weight[n], d_bias[n] = torch.ops.aten.native_batch_norm_backward(
                grad[one], x[one], w, None, None, m, r, True, ctx.eps, [True, True, True]
            )
        return dx, d_weight, d_bias, None, None


def _differentiable_gradients(
    x: Tensor, weight: Tensor, grad: Tensor, y: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x (N, C, H, W), weight and bias (N, C), of operations that have their own.

    With z = (x - mean) / deviation and g the gradient where the ReLU let through: d_bias = sum g,
    d_weight = sum g z, dx = weight / deviation * (g - mean g - z mean(g z)).
    """
    wide, g = widen(x), widen(grad if y is None else grad * (y > 0))
    variance, mean = torch.var_mean(wide, (2, 3), correction=0, keepdim=True)
    rstd = (variance + eps).rsqrt()
    z = (wide - mean) * rstd
    along = (g * z).mean((2, 3), keepdim=True)
    dx = weight[:, :, None, None] * rstd * (g - g.mean((2, 3), keepdim=True) - z * along)
    pixels = x[0, 0].numel()
    return dx.to(x), along.flatten(1) * pixels, g.sum((2, 3))


def _normalize(
    source: Tensor, target: Tensor, weight: Tensor, bias: Tensor, eps: float, relu: bool
) -> tuple[Tensor, Tensor]:
    """Write the normalized ``source`` to ``target``; return mean and 1 / deviation.

    Weight, bias, and what is returned are (N, C).
    """
    mean = torch.empty(*source.shape[:2], dtype=weight.dtype)
    rstd = torch.empty_like(mean)
    for n in range(source.shape[0]):
        one, result = source[n : n + 1], target[n : n + 1]
        affine = weight[n], bias[n]
        if one[0, 0].numel() <= BATCH_NORM_PIXELS and one.numel() <= BATCH_NORM_VALUES:
            out = (result, mean[n], rstd[n])
            torch.native_batch_norm(one, *affine, None, None, True, 0, eps, out=out)
            if relu:
                result.relu_()
            continue
        mean[n], variance = moments(one)
        rstd[n] = (variance + eps).rsqrt()
        unused = mean.new_empty(0), mean.new_empty(0)
        # All that is done to a chunk is done while it is in the cache.
        pairs = zip(pixels_of(one, CHUNK_VALUES), pixels_of(result, CHUNK_VALUES), strict=True)
        for chunk, written in pairs:
            given = (chunk, *affine, mean[n], variance, False, 0, eps)
            torch.native_batch_norm(*given, out=(written, *unused))
            if relu:
                written.relu_()
    return mean, rstd


def moments(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) of (N, C, H, W) together, summed in chunks that fit the cache."""
    chunks = pixels_of(pictures, min(SUM_VALUES, SUM_PIXELS * pictures.shape[1]))
    return merge_moments([(len(chunk), *_moments_of_chunk(widen(chunk))) for chunk in chunks])


def weighted_moments(picture: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) of (1, C, H, W) by the weights (H, W) of its pixels, or 0 by 0."""
    chunks = pixels_of(picture, SUM_VALUES)
    parts = []
    for chunk, weight in zip(chunks, torch.split(weights.flatten(), len(chunks[0])), strict=True):
        pixels, total = widen(chunk), weight.sum()
        shares = weight / total.clamp(min=torch.finfo(weight.dtype).tiny)
        mean = shares @ pixels
        parts.append((total.item(), mean, shares @ (pixels - mean).square_()))
    return merge_moments(parts)


def merge_moments(parts: Sequence[tuple[float, Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Mean and variance of all, from count, mean and variance of parts (Chan et al., 1979).

    The count of a part may be the sum of its weights. Of parts that count nothing, both are 0.
    """
    counts, *moments_of_parts = zip(*parts, strict=True)
    means, variances = (torch.stack(each).double() for each in moments_of_parts)
    shares = means.new_tensor(counts)[:, None] / (sum(counts) or 1)
    mean = (shares * means).sum(0)
    variance = (shares * (variances + (means - mean).square())).sum(0)
    dtype = parts[0][1].dtype
    return mean.to(dtype), variance.to(dtype)


def _moments_of_chunk(pixels: Tensor) -> tuple[Tensor, Tensor]:
    if pixels.device.type == "cpu":  # a tenth of the time of var_mean
        count, channels = pixels.shape
        together = math.gcd(count, max(1, LANES // channels))
        lanes = pixels.view(-1, together * channels)
        means, variances = torch.batch_norm_update_stats(lanes, None, None, 0)
        parts = zip(means.view(together, -1), variances.view(together, -1), strict=True)
        return merge_moments([(len(lanes), *part) for part in parts])
    variance, mean = torch.var_mean(pixels, 0, correction=0)
    return mean, variance


def pixels_of(pictures: Tensor, values: int) -> tuple[Tensor, ...]:
    """Pixels (P, C) of (N, C, H, W), in channels-last layout, ``values`` of them at a time."""
    pixels = pictures.permute(0, 2, 3, 1).reshape(-1, pictures.shape[1])
    return torch.split(pixels, max(1, values // pixels.shape[1]))
