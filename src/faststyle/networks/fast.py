"""The forward pass of a transform network as a CPU likes it: the same result, less work.

Three things differ from what the modules say, though they are equal in exact arithmetic:

- "twice the size, then a 3x3 convolution" is four 2x2 convolutions of the small picture, one for
  each position in the doubled pixels, with 4/9 of the multiply-adds and no enlarged copy;
- the last 9x9 convolution makes 2x2 pixels at once: 12 channels of output where 3 would leave most
  of a vector register empty;
- without a graph, a large picture goes through a convolution in strips of rows, so that the padded
  copy is that of a strip and not of the picture.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.networks.instance_norm import instance_norm

if TYPE_CHECKING:
    from faststyle.networks.transform import TransformNetwork

#: Bytes of one strip of a convolution's input or output, whichever has more channels.
_STRIP_BYTES = 4 << 20


def applies(network: "TransformNetwork", images: Tensor) -> bool:
    """Whether :func:`forward` computes this network; compilers and exporters see plain modules."""
    options = network.options
    return (
        images.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        and (options["norm"], options["upsample"]) == ("instance", "resize")
        and options["padding"] in ("reflect", "zero")
    )


def forward(network: "TransformNetwork", x: Tensor) -> Tensor:
    """What ``network.plain`` gives: (N, 3, H, W), multiples of 4, to the same shape."""
    if torch.is_autocast_enabled("cpu"):
        # Autocast would pad in float32 and convert before and after.
        x = x.to(torch.get_autocast_dtype("cpu"))
        with torch.autocast("cpu", enabled=False):
            return forward(network, x)
    x = x.contiguous(memory_format=torch.channels_last)
    for stage in (network.stem, network.down1, network.down2):
        conv, norm, _ = stage
        x = _norm(norm, convolve(conv, x), relu=True)
    for block in network.blocks:
        x = _residual(block, x)
    for stage in (network.up1, network.up2):
        _, conv, norm, _ = stage
        x = _norm(norm, resize_convolve(conv, x), relu=True)
    return convolve_pairs(network.head, x)


def _residual(block: nn.Module, x: Tensor) -> Tensor:
    y = _norm(block.norm1, convolve(block.conv1, x), relu=True)
    y = _norm(block.norm2, convolve(block.conv2, y), relu=False)
    return x + y if torch.is_grad_enabled() else y.add_(x)


def _norm(norm: nn.Module | Tensor, x: Tensor, relu: bool) -> Tensor:
    assert isinstance(norm, nn.InstanceNorm2d)
    return instance_norm(x, norm.weight, norm.bias, norm.eps, relu)


def convolve(conv: nn.Module | Tensor, x: Tensor) -> Tensor:
    """A convolution with its own padding, (N, C, H, W) in any dtype."""
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    weight, bias = conv.weight.to(x), conv.bias.to(x)

    def run(padded: Tensor) -> Tensor:
        return F.conv2d(padded, weight, bias, conv.stride)

    return _in_strips(run, x, conv.kernel_size[0] // 2, _pad_mode(conv), conv.out_channels)


def _pad_mode(conv: nn.Conv2d) -> str:
    return "reflect" if conv.padding_mode == "reflect" else "constant"


def resize_convolve(conv: nn.Module, x: Tensor) -> Tensor:
    """Nearest-neighbor doubling, then ``conv`` (3x3, padding 1)."""
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    kernels = [k for rows in _two_taps(conv.weight, 2) for k in _two_taps(rows, 3)]
    kernel, bias = torch.cat(kernels).to(x), conv.bias.repeat(4).to(x)

    def run(padded: Tensor) -> Tensor:
        result: Tensor = _Interleave.apply(F.conv2d(padded, kernel, bias))
        return result

    # A doubled picture reflected by one pixel is the small one with its edge repeated.
    mode = "replicate" if conv.padding_mode == "reflect" else "constant"
    return _in_strips(run, x, 1, mode, len(kernel))


def _two_taps(weight: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """A kernel's 3 taps on doubled pixels as 2 on single ones: for even and for odd positions."""
    a, b, c = weight.unbind(dim)
    return torch.stack((a, b + c), dim), torch.stack((a + b, c), dim)


def convolve_pairs(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """``conv`` (odd kernel, stride 1), 2x2 pixels at once; H and W must be even."""
    assert conv.bias is not None
    # Each of the 2x2 pixels has the kernel shifted to its place, in pairs of taps like the pixels.
    shifted = [F.pad(conv.weight, (q, 1 - q, p, 1 - p)) for p in (0, 1) for q in (0, 1)]
    taps = torch.stack(shifted, 1).flatten(0, 1)
    outputs, inputs, size, _ = taps.shape
    pairs = taps.view(outputs, inputs, size // 2, 2, size // 2, 2)
    kernel = pairs.permute(0, 3, 5, 1, 2, 4).flatten(1, 3).to(x)
    bias = conv.bias.repeat_interleave(4).to(x)

    def run(padded: Tensor) -> Tensor:
        # F.pixel_unshuffle would interleave the channels, which is nine times slower.
        n, channels, height, width = padded.shape
        pixels = padded.permute(0, 2, 3, 1).reshape(n, height // 2, 2, width // 2, 2, channels)
        pixels = pixels.transpose(2, 3).flatten(3).permute(0, 3, 1, 2)
        return F.pixel_shuffle(F.conv2d(pixels, kernel, bias), 2)

    return _in_strips(run, x, conv.kernel_size[0] // 2, _pad_mode(conv), conv.out_channels)


class _Interleave(torch.autograd.Function):
    """(N, 4C, H + 1, W + 1), the four kernels' results, to (N, C, 2H, 2W).

    Even rows come from the first H rows of the first kernels, odd ones from the last H rows of the
    others; columns likewise.
    """

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        del ctx
        n, channels, height, width = y.shape
        result = _empty((n, channels // 4, 2 * height - 2, 2 * width - 2), y)
        for phase, pixels in _phases(y, result):
            pixels.copy_(phase)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        del ctx
        n, channels, height, width = grad.shape
        result = _empty((n, 4 * channels, height // 2 + 1, width // 2 + 1), grad).zero_()
        for phase, pixels in _phases(result, grad):
            phase.copy_(pixels)
        return result


def _phases(y: Tensor, picture: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    height, width = picture.shape[2] // 2, picture.shape[3] // 2
    for index, phase in enumerate(y.chunk(4, dim=1)):
        p, q = divmod(index, 2)
        yield phase[:, :, p : p + height, q : q + width], picture[:, :, p::2, q::2]


def _in_strips(
    run: Callable[[Tensor], Tensor], x: Tensor, halo: int, mode: str, channels: int
) -> Tensor:
    """``run`` on ``x`` padded by ``halo``, a strip of rows at a time if no graph is recorded."""
    height = x.shape[2]
    # Multiples of 4, so that strides and pairs of rows fall in a strip as they do in the whole.
    bytes_per_row = x.shape[0] * max(x.shape[1], channels) * x.shape[3] * x.element_size()
    rows = max(_STRIP_BYTES // bytes_per_row // 4, halo) * 4
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
            result = _empty(size, strip)
        result[:, :, int(start * per_row) : int(stop * per_row)] = strip
    assert result is not None
    return result


def _empty(size: tuple[int, ...], like: Tensor) -> Tensor:
    return torch.empty(size, dtype=like.dtype, memory_format=torch.channels_last)
