"""A 3x3 convolution with a graph, by Winograd's algorithm where that is faster than directly.

docs/speed.md says how much faster, and where that was measured.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.core.errors import UserError, nearest
from faststyle.networks import winograd
from faststyle.networks.cpu import empty, use_cpu_kernels
from faststyle.networks.weight_gradient import weight_gradient

#: ``auto``: Winograd's algorithm where :func:`winograd_is_faster` says so; ``direct``: nowhere.
KERNELS = ("auto", "direct")
#: Channels from which on it is faster where positions are many, and where they are not.
_CHANNELS_IF_MANY, _CHANNELS = 64, 128
#: Positions (pictures times height times width) that are many; and the least that pay, where the
#: transform of the weights is at hand and where it is not.
_MANY, _LEAST, _LEAST_TO_TRANSFORM = 1 << 16, 1 << 10, 1 << 12

_kernel = "auto"


def choose_kernel(kernel: str) -> None:
    """Which of :data:`KERNELS` this process uses. Raises ``UserError`` for another."""
    global _kernel
    if kernel not in KERNELS:
        raise UserError(f'unknown kernel "{kernel}": {nearest(kernel, KERNELS)}')
    _kernel = kernel


def winograd_is_faster(x: Tensor, weight: Tensor, constant: bool = False) -> bool:
    """Whether :func:`convolve` is faster for ``x`` (N, C, H, W) than a direct convolution.

    A rule, and no measurement at run time: a run that is resumed must take the same kernels.
    ``constant``: the transform of ``weight`` is at hand.
    """
    positions = len(x) * x.shape[2] * x.shape[3]
    return (
        _kernel == "auto"
        and use_cpu_kernels(x)
        and not torch.is_autocast_enabled("cpu")  # which asks for a shorter dtype
        and x.dtype == weight.dtype == torch.float32
        and weight.shape[2:] == (3, 3)
        and min(weight.shape[:2]) >= (_CHANNELS_IF_MANY if positions >= _MANY else _CHANNELS)
        and positions >= (_LEAST if constant else _LEAST_TO_TRANSFORM)
        and min(x.shape[2:]) > 1  # to be reflected
    )


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor, mode: str, kernel: Tensor | None = None
) -> Tensor:
    """A 3x3 convolution of stride 1, padded by 1, by Winograd's algorithm.

    Maps ``x`` (N, C_in, H, W), best in channels-last layout, by ``weight`` (C_out, C_in, 3, 3) and
    ``bias`` (C_out,) to (N, C_out, H, W) in channels-last layout. ``mode`` is ``reflect``, or
    ``constant`` for zeros; ``kernel`` the transform of ``weight`` for
    :func:`faststyle.networks.winograd.best_tile`, if it is at hand.
    """
    if kernel is None:
        kernel = winograd.transform_weights(weight.detach(), winograd.best_tile(*x.shape[2:]))
    result: Tensor = _Conv3x3.apply(x, weight, bias, kernel, mode)
    return result


class _Conv3x3(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, kernel: Tensor, mode: str
    ) -> Tensor:
        ctx.mode, ctx.shape = mode, x.shape
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight, kernel)
        return winograd.convolve(x, kernel, bias, 1, mode)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, kernel = ctx.saved_tensors
        dx = dw = db = None
        grad = grad.contiguous(memory_format=torch.channels_last)
        if ctx.needs_input_grad[0]:
            dx = _input_gradient(grad, ctx.shape, weight, kernel, ctx.mode)
        if ctx.needs_input_grad[1]:
            padded = F.pad(x, (1, 1, 1, 1), mode=ctx.mode)
            dw, db = weight_gradient(padded, grad, (3, 3), (1, 1)), grad.sum((0, 2, 3))
        return dx, dw, db, None, None


def _input_gradient(
    grad: Tensor, shape: torch.Size, weight: Tensor, kernel: Tensor, mode: str
) -> Tensor:
    """The convolution with turned weights of all that the padded input took part in."""
    reflected = mode == "reflect"
    if torch.is_grad_enabled():  # for second derivatives, an operation that has them
        dx = F.conv_transpose2d(grad, weight, padding=0 if reflected else 1)
    else:
        padding = 2 if reflected else 1
        dx = winograd.convolve(grad, kernel, None, padding, "constant", turned=True)
    if reflected:
        like = empty(tuple(shape), dx)
        dx = torch.ops.aten.reflection_pad2d_backward(dx, like, [1, 1, 1, 1])
    return dx
