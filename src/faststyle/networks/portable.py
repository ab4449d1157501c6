"""The same network of the few operations that every runtime has a fast form of.

Runtimes of phones know convolutions, means and arithmetic. What else our networks are made of is
written by these, for pictures of one size, with the same result but for rounding:

- reflection is slices and their concatenation: LiteRT's GPU delegate has no reflecting pad, XNNPACK
  none at all;
- instance normalization is two means and arithmetic, by tensors of four dimensions throughout, as
  converters to another layout need them to leave out transposes;
- "twice the size, then a 3x3 convolution" can be one transposed convolution
  (:mod:`faststyle.networks.kernels`), since XNNPACK knows no nearest neighbor;
- noise (:mod:`faststyle.networks.noise`) is a table;
- bicubic enlargement can be a convolution to as many channels as one pixel becomes pixels, since
  Core ML has none.
"""

import copy
from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.networks.kernels import spread
from faststyle.networks.layers import ConvNormReLU
from faststyle.networks.noise import AddNoise, FixedNoise
from faststyle.networks.stages import smallest_side
from faststyle.networks.super_resolution import Bicubic

Layer = TypeVar("Layer", bound=nn.Module)


def portable(network: nn.Module, size: tuple[int, int], transposed: bool) -> nn.Module:
    """A copy of ``network`` for pictures of ``size`` (height, width) that has only such layers.

    ``transposed``: write doublings as transposed convolutions.
    """
    changed = fix_noise(network, size)
    for module in list(changed.modules()):
        if transposed and isinstance(module, ConvNormReLU) and isinstance(module[0], nn.Upsample):
            module[0], module[1] = nn.Identity(), _transposed_doubling(module.conv)
    changed = _replace(changed, nn.InstanceNorm2d, _InstanceNorm)
    return _replace(changed, nn.Conv2d, _reflect_by_slices)


def fix_noise(network: nn.Module, size: tuple[int, int]) -> nn.Module:
    """A copy of ``network`` whose noise is a table, for pictures of up to ``size``."""
    # What the network reflects around a picture, which first has to be larger than that, has noise.
    around, least = getattr(network, "reflection", 0), smallest_side(network)
    height, width = (max(side, least) + 2 * around for side in size)
    return _replace(network, AddNoise, lambda noise: FixedNoise(noise, (height, width)))


def convolve_enlargement(network: nn.Module) -> nn.Module:
    """A copy of ``network`` whose bicubic enlargements, if it has any, are convolutions."""
    return _replace(network, Bicubic, _BicubicConv)


def _replace(
    network: nn.Module, kind: type[Layer], make: Callable[[Layer], nn.Module]
) -> nn.Module:
    """A copy of ``network`` with what ``make`` makes of each layer of a kind in its place."""
    changed = copy.deepcopy(network)
    for parent in list(changed.modules()):
        for name, module in parent.named_children():
            if isinstance(module, kind):
                setattr(parent, name, make(module))
    return changed


def _reflect_by_slices(conv: nn.Conv2d) -> nn.Module:
    if conv.padding_mode != "reflect":
        return conv
    plain = copy.deepcopy(conv)
    plain.padding, plain.padding_mode = (0, 0), "zeros"
    return nn.Sequential(_Reflect(int(conv.padding[0])), plain)


def _transposed_doubling(conv: nn.Module) -> nn.Module:
    """Nearest-neighbor doubling and a padded 3x3 convolution, as one transposed convolution."""
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    is_reflected = conv.padding_mode == "reflect"
    made = nn.ConvTranspose2d(conv.in_channels, conv.out_channels, 4, 2, 3 if is_reflected else 1)
    made.weight = nn.Parameter(spread(conv.weight.detach()), requires_grad=False)
    made.bias = nn.Parameter(conv.bias.detach(), requires_grad=False)
    # A doubled picture reflected by one pixel is the small one with its edge repeated.
    return nn.Sequential(_Reflect(1, edge=0), made) if is_reflected else made


class _Reflect(nn.Module):
    """Mirror rows and columns on each side: without the outermost, or with ``edge=0``."""

    def __init__(self, count: int, edge: int = 1) -> None:
        super().__init__()
        self.count, self.edge = count, edge

    def forward(self, x: Tensor) -> Tensor:
        for dim in (2, 3):
            last, places = x.shape[dim] - 1, range(self.edge, self.edge + self.count)
            before = [x.narrow(dim, place, 1) for place in reversed(places)]
            after = [x.narrow(dim, last - place, 1) for place in places]
            # In three parts, since XNNPACK joins five tensors at most.
            x = torch.cat([_joined(before, dim), x, _joined(after, dim)], dim)
        return x


class _BicubicConv(nn.Module):
    """Of RGB; what lies beyond the border is as the border is."""

    weight: Tensor
    reach = 2  # pixels on each side that a pixel of the result depends on

    def __init__(self, enlarge: Bicubic) -> None:
        super().__init__()
        self.factor = enlarge.factor
        kernel = _response(enlarge, self.reach)
        weight = torch.einsum("py,qx->pqyx", kernel, kernel).flatten(0, 1)
        self.register_buffer("weight", weight[:, None].repeat(3, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (self.reach,) * 4, mode="replicate")
        return F.pixel_shuffle(F.conv2d(padded, self.weight.to(x), groups=3), self.factor)


def _response(enlarge: Bicubic, reach: int) -> Tensor:
    """(factor, 2 * reach + 1): what each pixel that one becomes takes from its neighbors."""
    row = torch.zeros(1, 1, 1, 4 * reach + 1)
    row[..., 2 * reach] = 1
    enlarged: Tensor = enlarge(row)
    shares = enlarged[0, 0, 0].view(-1, enlarge.factor)[reach : 3 * reach + 1]
    return shares.flip(0).T


class _InstanceNorm(nn.Module):
    weight: Tensor
    bias: Tensor

    def __init__(self, norm: nn.InstanceNorm2d) -> None:
        super().__init__()
        self.register_buffer("weight", norm.weight.detach()[None, :, None, None])
        self.register_buffer("bias", norm.bias.detach()[None, :, None, None])
        self.eps = norm.eps

    def forward(self, x: Tensor) -> Tensor:
        centered = x - x.mean((2, 3), keepdim=True)
        variance = (centered * centered).mean((2, 3), keepdim=True)
        return centered * ((variance + self.eps).rsqrt() * self.weight) + self.bias


def _joined(parts: list[Tensor], dim: int) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)
