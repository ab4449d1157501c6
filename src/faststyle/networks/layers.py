"""The layers that transform networks are made of; each chooses the kernels that suit its input.

Where :mod:`faststyle.networks.kernels` are used (a CPU, no compiler), a layer with instance
normalization and padding of its own uses them; elsewhere it is the plain modules one after another.
Either way the result is the same but for rounding.

A layer whose ``has_kernels`` is true can also be computed strip by strip
(:mod:`faststyle.networks.streaming`): then each normalization, whose statistics are those of the
whole picture, is folded into the convolution before it.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.devices import use_cpu_kernels
from faststyle.networks import kernels
from faststyle.networks.conditional import ConditionalInstanceNorm2d
from faststyle.networks.instance_norm import instance_norm
from faststyle.networks.stages import FoldableNorm

#: Makes the normalization of so many channels.
MakeNorm = Callable[[int], nn.Module]


class ConvNormReLU(nn.Sequential):
    """Perhaps an enlargement, a convolution (perhaps transposed), normalization, ReLU."""

    def __init__(
        self, conv: nn.Conv2d | nn.ConvTranspose2d, norm: MakeNorm, *before: nn.Module
    ) -> None:
        super().__init__(*before, conv, norm(conv.out_channels), nn.ReLU(inplace=True))

    @property
    def conv(self) -> nn.Module:
        """The convolution."""
        return self[-3]

    @property
    def has_kernels(self) -> bool:
        """Whether there are kernels for layers of this kind."""
        return _keeps_size(self.conv) and not isinstance(self[-2], nn.BatchNorm2d)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the convolution's channels, and its stride's share of H and W."""
        if self.has_kernels and use_cpu_kernels(x):
            return _normalize(self[-2], self._convolve(x), relu=True)
        y: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return y

    def norms(self) -> list[FoldableNorm]:
        """The one behind the convolution."""
        conv, norm, _relu = list(self._modules)[-3:]
        return [FoldableNorm(self._convolve, partial(_fold, self, conv, norm))]

    def _convolve(self, x: Tensor) -> Tensor:
        if not isinstance(self[0], nn.Upsample):
            return convolve(self.conv, x)
        return kernels.resize_convolve(x, *_given(self.conv))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity, with nothing after the sum (Gross and Wilber).

    Without padding (``reflect_start``) it loses two pixels on each side.
    """

    def __init__(self, channels: int, norm: MakeNorm, padding: str) -> None:
        super().__init__()
        self.crop = 2 if padding == "reflect_start" else 0
        self.conv1, self.norm1 = make_conv(channels, channels, 3, 1, padding), norm(channels)
        self.conv2, self.norm2 = make_conv(channels, channels, 3, 1, padding), norm(channels)
        if self.crop:
            self.conv1.padding = self.conv2.padding = 0, 0

    @property
    def has_kernels(self) -> bool:
        """Whether there are kernels for blocks of this kind."""
        return _keeps_size(self.conv1) and not isinstance(self.norm1, nn.BatchNorm2d)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape, or to two pixels less on each side."""
        if self.has_kernels and use_cpu_kernels(x):
            y = _normalize(self.norm1, convolve(self.conv1, x), relu=True)
            y = _normalize(self.norm2, convolve(self.conv2, y), relu=False)
            return x + y if torch.is_grad_enabled() else y.add_(x)
        residual: Tensor = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)), inplace=True)))
        if self.crop:
            x = x[..., self.crop : -self.crop, self.crop : -self.crop]
        return x + residual

    def norms(self) -> list[FoldableNorm]:
        """Those behind the two convolutions."""
        return [
            FoldableNorm(partial(convolve, self.conv1), partial(_fold, self, "conv1", "norm1")),
            FoldableNorm(self._second, partial(_fold, self, "conv2", "norm2")),
        ]

    def _second(self, x: Tensor) -> Tensor:
        return convolve(self.conv2, convolve(self.conv1, x).relu_())


class OutputConv(nn.Conv2d):
    """The last convolution, 9x9, to the three colors of pictures of even H and W."""

    def __init__(self, inputs: int, padding: str) -> None:
        super().__init__(inputs, 3, 9, padding=4, padding_mode=_padding_mode(padding))

    @property
    def has_kernels(self) -> bool:
        """Whether there are kernels for a convolution of this kind."""
        return _keeps_size(self)

    def norms(self) -> list[FoldableNorm]:
        """It has no normalization."""
        return []

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 3, H, W)."""
        if self.has_kernels and use_cpu_kernels(x):
            return kernels.convolve_blocks(x, *_given(self))
        return super().forward(x)


def make_conv(inputs: int, outputs: int, kernel: int, stride: int, padding: str) -> nn.Conv2d:
    """A convolution padded by half of its kernel: by ``reflect``; anything else, by zeros."""
    mode = _padding_mode(padding)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode=mode)


def make_upsample(
    inputs: int, outputs: int, upsample: str, norm: MakeNorm, padding: str
) -> ConvNormReLU:
    """A layer from (N, inputs, H, W) to ``outputs`` channels and twice H and W.

    ``upsample``: ``transposed`` convolution; or nearest-neighbor doubling and a 3x3 convolution
    (Odena et al., 2016).
    """
    if upsample == "transposed":
        enlarge = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
        return ConvNormReLU(enlarge, norm)
    conv = make_conv(inputs, outputs, 3, 1, padding)
    return ConvNormReLU(conv, norm, nn.Upsample(scale_factor=2, mode="nearest"))


def make_norm(norm: str, styles: int = 1) -> MakeNorm:
    """Normalization with a scale and a shift, ``instance`` or ``batch``, for a channel count.

    Of instance normalization each of several ``styles`` has its own.
    """
    if norm == "batch":
        return nn.BatchNorm2d
    if styles > 1:
        return partial(ConditionalInstanceNorm2d, styles=styles)
    return partial(nn.InstanceNorm2d, affine=True)


def convolve(conv: nn.Module, x: Tensor) -> Tensor:
    """``conv`` by its kernel, on any device, in the dtype of ``x`` (N, C, H, W)."""
    assert isinstance(conv, nn.Conv2d)
    return kernels.convolve(x, *_given(conv), conv.stride[0])


def _normalize(norm: nn.Module, x: Tensor, relu: bool) -> Tensor:
    if isinstance(norm, nn.InstanceNorm2d):
        return instance_norm(x, norm.weight, norm.bias, norm.eps, relu)
    x = norm(x)  # the identity, where it is folded into the convolution
    return x.relu_() if relu else x


def _padding_mode(padding: str) -> Literal["reflect", "zeros"]:
    return "reflect" if padding == "reflect" else "zeros"


def _keeps_size(conv: nn.Module) -> bool:
    """Whether it is a convolution padded by half of its kernel, as kernels pad."""
    return isinstance(conv, nn.Conv2d) and conv.padding == tuple(k // 2 for k in conv.kernel_size)


def _given(conv: nn.Module) -> tuple[Tensor, Tensor, str]:
    """Weight, bias, and how it pads, as kernels take them."""
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    mode = "reflect" if conv.padding_mode == "reflect" else "constant"
    return conv.weight, conv.bias, mode


def _fold(layer: nn.Module, conv: str, norm: str, mean: Tensor, variance: Tensor) -> None:
    """Make a normalization of a layer, with statistics (C,), a part of its convolution."""
    (weight, bias, _), folded = _given(layer.get_submodule(conv)), layer.get_submodule(norm)
    assert isinstance(folded, nn.InstanceNorm2d)
    factor = folded.weight / (variance + folded.eps).sqrt()
    weight.copy_(weight * factor.view(-1, 1, 1, 1))
    bias.copy_((bias - mean) * factor + folded.bias)
    layer.register_module(norm, nn.Identity())
