"""How a CPU computes convolutions fast: the same results as the plain modules, with less work.

Four things differ from what the modules say, though they are equal in exact arithmetic:

- "twice the size, then a 3x3 convolution" is one transposed 4x4 convolution of stride 2: the nine
  taps of a pixel fall on four pixels of the small picture, so that four multiply-adds do, and there
  is no enlarged copy;
- 3x3 convolutions of stride 1 go by Winograd's algorithm where that is faster (docs/speed.md says
  where, and by how much);
- the last 9x9 convolution makes a block of 2x4 pixels at once: 24 channels of output, three vector
  registers of AVX2, where 3 would leave most of one empty;
- without a graph, a large picture goes through a convolution in strips of rows, so that the padded
  copy is that of a strip and not of the picture.

Kernels know tensors, (N, C, H, W) in channels-last layout, and compute in the dtype of these.
``mode`` is that of :func:`torch.nn.functional.pad`: ``reflect``, or ``constant`` for zeros; every
convolution is padded by half of its kernel.
"""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.core.devices import empty, use_cpu_kernels
from faststyle.core.errors import UserError, nearest
from faststyle.networks import weight_gradient, winograd

#: Rows and columns of pixels that the last convolution makes at once. Of all blocks up to 4x8 this
#: is the fastest on AVX2, twice as fast as 2x2.
BLOCK = (2, 4)
#: Bytes of one strip of a convolution's input or output, whichever has more channels.
STRIP_BYTES = 4 << 20
#: Channels of which oneDNN 3 makes noise in bfloat16, by the AMX units of a CPU, in such blocks.
_MISCOMPUTED = (16, 24)
#: A pixel that is doubled reaches four pixels through a kernel of three taps: by which of them.
_SPREAD = ((0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 0, 0))
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


def run_layers(run: Callable[[Tensor], Tensor], x: Tensor, has_kernels: bool) -> Tensor:
    """``run`` on ``x``; with kernels on a CPU in channels-last layout, and without autocast.

    Autocast, whose dtype they take, would pad in float32 and convert around each convolution.
    """
    if not (has_kernels and use_cpu_kernels(x)):
        return run(x)
    x = x.contiguous(memory_format=torch.channels_last)
    if not torch.is_autocast_enabled("cpu"):
        return run(x)
    with torch.autocast("cpu", enabled=False):
        return run(x.to(torch.get_autocast_dtype("cpu")))


def convolve(x: Tensor, weight: Tensor, bias: Tensor, mode: str, stride: int = 1) -> Tensor:
    """A convolution (C_out, C_in, k, k) with an odd k."""
    weight, bias = weight.to(x), bias.to(x)
    if stride == 1 and winograd_is_faster(x, weight):
        return convolve_winograd(x, weight, bias, mode)
    run = partial(_operations().conv2d, weight=weight, bias=bias, stride=(stride, stride))
    return _in_strips(run, x, weight.shape[2] // 2, mode, len(weight))


def resize_convolve(x: Tensor, weight: Tensor, bias: Tensor, mode: str) -> Tensor:
    """Nearest-neighbor doubling, then a convolution (C_out, C_in, 3, 3)."""
    given = {"weight": spread(weight).to(x), "bias": bias.to(x), "stride": (2, 2), "padding": 3}
    # A doubled picture reflected by one pixel is the small one with its edge repeated.
    mode = "replicate" if mode == "reflect" else mode
    return _in_strips(partial(_operations().conv_transpose2d, **given), x, 1, mode, 4 * len(weight))


def spread(weight: Tensor) -> Tensor:
    """A convolution (C_out, C_in, 3, 3) after doubling, as a transposed one (C_in, C_out, 4, 4)."""
    taps = weight.new_tensor(_SPREAD)
    return torch.einsum("ia,jb,ocab->coij", taps, taps, weight)


def convolve_blocks(x: Tensor, weight: Tensor, bias: Tensor, mode: str) -> Tensor:
    """A convolution (3, C_in, 9, 9) of stride 1, a block of pixels at once; W in fours, H even."""
    rows, columns = BLOCK
    if x.dtype == torch.bfloat16 and x.shape[1] in _MISCOMPUTED:
        more = 32 - x.shape[1]
        x, weight = (F.pad(each, (0, 0, 0, 0, 0, more)) for each in (x, weight))
    # Each pixel of a block has the kernel shifted to its place.
    shifted = [
        F.pad(weight, (q, columns - 1 - q, p, rows - 1 - p))
        for p in range(rows)
        for q in range(columns)
    ]
    kernel = torch.stack(shifted, 1).flatten(0, 1).to(x)
    biases = bias.repeat_interleave(len(shifted)).to(x)

    def run(padded: Tensor) -> Tensor:
        made: Tensor = _operations().conv2d(padded, kernel, biases, stride=BLOCK)
        # F.pixel_shuffle wants blocks that are square.
        shape = len(made), len(weight), rows, columns, *made.shape[2:]
        return made.reshape(shape).permute(0, 1, 4, 2, 5, 3).flatten(4).flatten(2, 3)

    return _in_strips(run, x, weight.shape[2] // 2, mode, len(weight))


def _operations() -> ModuleType:
    """Torch's own, or the same with faster gradients of weights where any may be asked for."""
    return weight_gradient if torch.is_grad_enabled() else F


def _in_strips(
    run: Callable[[Tensor], Tensor], x: Tensor, halo: int, mode: str, channels: int
) -> Tensor:
    """``run`` on ``x`` padded by ``halo``, a strip of rows at a time if no graph is recorded."""
    height = x.shape[2]
    # Multiples of 4, so that strides and pairs of rows fall in a strip as they do in the whole.
    bytes_per_row = x.shape[0] * max(x.shape[1], channels) * x.shape[3] * x.element_size()
    rows = max(STRIP_BYTES // bytes_per_row // 4, halo) * 4
    if torch.is_grad_enabled() or height < 2 * rows:
        return run(F.pad(x, (halo,) * 4, mode=mode))
    starts = range(0, height - rows + 1, rows)
    result = None
    for start in starts:
        stop = height if start == starts[-1] else start + rows
        above, below = min(halo, start), min(halo, height - stop)
        padding = (halo, halo, halo - above, halo - below)
        strip = run(F.pad(x[:, :, start - above : stop + below], padding, mode=mode))
        if result is None:
            per_row = strip.shape[2] / (stop - start)
            size = (*strip.shape[:2], int(height * per_row), strip.shape[3])
            result = empty(size, strip)
        result[:, :, int(start * per_row) : int(stop * per_row)] = strip
    assert result is not None
    return result


def chosen_kernel() -> str:
    """Which of :data:`KERNELS` this process uses."""
    return _kernel


def winograd_is_faster(x: Tensor, weight: Tensor, constant: bool = False) -> bool:
    """Whether :func:`convolve_winograd` is faster for ``x`` (N, C, H, W) than a direct convolution.

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


def convolve_winograd(
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
    result: Tensor = _Winograd.apply(x, weight, bias, kernel, mode)
    return result


class _Winograd(torch.autograd.Function):
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
            dw = weight_gradient.weight_gradient(padded, grad, (3, 3), (1, 1))
            db = grad.sum((0, 2, 3))
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
