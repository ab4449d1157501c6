"""Convolutions whose weights' gradient is a matrix product, on a CPU two to four times as fast.

The gradient of a weight is a sum over all positions: of the value that it multiplied, times the
gradient of what this made. So it is the product of two matrices: the patches of pixels under the
kernel, one for each position, and the gradients (Chellapilla et al., 2006). Patches are copied a
part at a time, which stays in the cache.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_input

from faststyle.core.devices import use_cpu_kernels

#: Bytes of patches that are multiplied at once.
_PATCH_BYTES = 2 << 20
#: Channels of the gradient from which on Winograd is faster.
_CHANNELS = 32


def conv2d(x: Tensor, weight: Tensor, bias: Tensor, stride: tuple[int, int]) -> Tensor:
    """:func:`torch.nn.functional.conv2d`, without padding."""
    if _is_faster(weight):
        result: Tensor = _Conv2d.apply(x, weight, bias, stride)
        return result
    return F.conv2d(x, weight, bias, stride)


def conv_transpose2d(
    x: Tensor, weight: Tensor, bias: Tensor, stride: tuple[int, int], padding: int
) -> Tensor:
    """:func:`torch.nn.functional.conv_transpose2d`."""
    if _is_faster(weight):
        result: Tensor = _ConvTranspose2d.apply(x, weight, bias, stride, padding)
        return result
    return F.conv_transpose2d(x, weight, bias, stride, padding)


def weight_gradient(
    x: Tensor, grad: Tensor, size: tuple[int, int], stride: tuple[int, int]
) -> Tensor:
    """The gradient of the weights (C_out, C_in, *size) of an unpadded convolution.

    ``x`` (N, C_in, H, W) was convolved, and ``grad`` (N, C_out, H', W') is the gradient of what
    that made. ``size`` and ``stride`` count rows and columns.
    """
    pixels = x.permute(0, 2, 3, 1)
    patches = pixels.unfold(1, size[0], stride[0]).unfold(2, size[1], stride[1])
    patches = patches.permute(0, 1, 2, 4, 5, 3)  # (N, H_out, W_out, *size, C_in)
    of_row, of_patch = patches[0, 0].numel(), patches[0, 0, 0].numel()
    rows = max(1, _PATCH_BYTES // (of_row * x.element_size()))
    total = x.new_zeros(of_patch, grad.shape[1])
    for picture, made in zip(patches, grad.permute(0, 2, 3, 1), strict=True):
        for part, gradients in zip(picture.split(rows), made.split(rows), strict=True):
            total.addmm_(part.reshape(-1, of_patch).T, gradients.reshape(-1, grad.shape[1]))
    return total.view(*size, x.shape[1], grad.shape[1]).permute(3, 2, 0, 1)


def _is_faster(weight: Tensor) -> bool:
    return (
        weight.requires_grad
        and use_cpu_kernels(weight)
        and weight.dtype == torch.float32
        and len(weight) >= _CHANNELS
    )


class _Conv2d(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: tuple[int, int]
    ) -> Tensor:
        ctx.stride = stride
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, bias, stride)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        is_wanted = ctx.needs_input_grad[0]
        given = x.shape, weight, grad, ctx.stride
        dx = conv2d_input(*given) if is_wanted else None  # type: ignore[no-untyped-call]
        dw = weight_gradient(x, grad, tuple(weight.shape[2:]), ctx.stride)
        return dx, dw, grad.sum((0, 2, 3)), None


class _ConvTranspose2d(torch.autograd.Function):
    """The other way round: what goes in is the gradient of a convolution of what comes out."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: tuple[int, int], padding: int
    ) -> Tensor:
        ctx.stride, ctx.padding = stride, padding
        ctx.save_for_backward(x, weight)
        return F.conv_transpose2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        padded = F.pad(grad, (ctx.padding,) * 4).contiguous(memory_format=torch.channels_last)
        dx = F.conv2d(padded, weight, stride=ctx.stride) if ctx.needs_input_grad[0] else None
        dw = weight_gradient(padded, x, tuple(weight.shape[2:]), ctx.stride)
        return dx, dw, grad.sum((0, 2, 3)), None, None
