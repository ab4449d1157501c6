"""The transform networks: a photo in, the stylized photo out, in one pass."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.errors import UserError, nearest
from faststyle.networks import fast

_CHOICES = {
    "norm": ("instance", "batch"),
    "upsample": ("resize", "transposed"),
    "padding": ("reflect", "zero", "reflect_start"),
    "output": ("tanh", "linear", "sigmoid"),
}


class TransformNetwork(nn.Module):
    """Residual transform network (Johnson et al., 2016, supplementary, table 1).

    A 9x9 convolution, two of stride 2, residual blocks, two up-sampling stages, and a 9x9
    convolution back to RGB. Maps (N, 3, H, W) in [0, 1] to the same shape, whatever H and W are.

    Args:
        width: channels of the first layer; the residual blocks have four times as many.
        blocks: number of residual blocks.
        norm: ``instance`` (Ulyanov et al., 2017) or ``batch``.
        upsample: ``resize`` (nearest neighbor, then convolution; Odena et al., 2016: no
            checkerboards) or ``transposed`` convolution.
        padding: ``reflect``, ``zero``, or ``reflect_start`` (the paper's: the picture is reflected
            once at the start and the residual blocks do without padding).
        output: ``tanh``, scaled to [0, 1]; ``sigmoid``; or ``linear``, which may leave [0, 1].

    Raises:
        UserError: an option that is not one of these, or out of range.
    """

    def __init__(
        self,
        width: int = 32,
        blocks: int = 5,
        norm: str = "instance",
        upsample: str = "resize",
        padding: str = "reflect",
        output: str = "tanh",
    ) -> None:
        super().__init__()
        self.options: dict[str, int | str] = {
            "width": width,
            "blocks": blocks,
            "norm": norm,
            "upsample": upsample,
            "padding": padding,
            "output": output,
        }
        _check_options(self.options)
        self.output = output
        # A block without padding loses two pixels a side, each worth four of the picture's.
        self.reflection = 8 * blocks if padding == "reflect_start" else 0
        self.stem = _stage(_conv(3, width, 9, 1, padding), norm)
        self.down1 = _stage(_conv(width, 2 * width, 3, 2, padding), norm)
        self.down2 = _stage(_conv(2 * width, 4 * width, 3, 2, padding), norm)
        self.blocks = nn.Sequential(
            *(ResidualBlock(4 * width, norm, padding) for _ in range(blocks))
        )
        self.up1 = _upsample(4 * width, 2 * width, upsample, norm, padding)
        self.up2 = _upsample(2 * width, width, upsample, norm, padding)
        self.head = _conv(width, 3, 9, 1, padding)

    def forward(self, images: Tensor) -> Tensor:
        """Stylize ``images`` (N, 3, H, W; RGB in [0, 1]); the result has the same shape."""
        height, width = images.shape[-2:]
        x = pad_to_multiple(images, minimum=max(8, self.reflection + 1))
        if self.reflection:
            x = F.pad(x, (self.reflection,) * 4, mode="reflect")
        y = fast.forward(self, x) if fast.applies(self, x) else self.plain(x)
        # Slicing would tie an exported program to sizes of one kind: strides depend on it.
        y = F.pad(y, (0, width - y.shape[-1], 0, height - y.shape[-2]))
        return self.activate(y.to(images.dtype))

    def activate(self, y: Tensor) -> Tensor:
        """The output's non-linearity."""
        if self.output == "tanh":
            return y.tanh().mul(0.5).add(0.5)
        return y.sigmoid() if self.output == "sigmoid" else y

    def plain(self, x: Tensor) -> Tensor:
        """The modules one after another, before the output's non-linearity."""
        x = self.down2(self.down1(self.stem(x)))
        y: Tensor = self.head(self.up2(self.up1(self.blocks(x))))
        return y


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity, with nothing after the sum (Gross and Wilber)."""

    def __init__(self, channels: int, norm: str, padding: str) -> None:
        super().__init__()
        self.crop = 2 if padding == "reflect_start" else 0
        inner = 0 if self.crop else 1
        self.conv1 = _conv(channels, channels, 3, 1, padding, inner)
        self.norm1 = _norm(channels, norm)
        self.conv2 = _conv(channels, channels, 3, 1, padding, inner)
        self.norm2 = _norm(channels, norm)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape, or to two pixels less on each side (no padding)."""
        residual: Tensor = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)), inplace=True)))
        if self.crop:
            x = x[..., self.crop : -self.crop, self.crop : -self.crop]
        return x + residual


def pad_to_multiple(images: Tensor, minimum: int) -> Tensor:
    """Repeat the last row and column of (N, C, H, W) until both sides are multiples of 4.

    A side of less than ``minimum`` becomes that long, rounded up to a multiple of 4.
    """
    height, width = images.shape[-2:]
    below = -max(height, minimum) % 4 + max(0, minimum - height)
    right = -max(width, minimum) % 4 + max(0, minimum - width)
    # A program for any size must not depend on whether the one it is traced with needs nothing.
    if torch.compiler.is_exporting() or below or right:
        return F.pad(images, (0, right, 0, below), mode="replicate")
    return images


def _conv(
    inputs: int, outputs: int, kernel: int, stride: int, padding: str, size: int | None = None
) -> nn.Conv2d:
    mode: Literal["reflect", "zeros"] = "reflect" if padding == "reflect" else "zeros"
    size = kernel // 2 if size is None else size
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=size, padding_mode=mode)


def _norm(channels: int, norm: str) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels, affine=True)


def _stage(conv: nn.Module, norm: str) -> nn.Sequential:
    channels = conv.out_channels
    assert isinstance(channels, int)
    return nn.Sequential(conv, _norm(channels, norm), nn.ReLU(inplace=True))


def _upsample(inputs: int, outputs: int, upsample: str, norm: str, padding: str) -> nn.Sequential:
    if upsample == "transposed":
        conv = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
        return _stage(conv, norm)
    stage = _stage(_conv(inputs, outputs, 3, 1, padding), norm)
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), *stage)


def _check_options(options: dict[str, int | str]) -> None:
    for name, choices in _CHOICES.items():
        if options[name] not in choices:
            raise UserError(
                f'network.{name}="{options[name]}": {nearest(str(options[name]), choices)}'
            )
    # The upper limits keep a hostile checkpoint from asking for endless memory.
    for name, low, high in (("width", 1, 1024), ("blocks", 0, 64)):
        value = options[name]
        if not isinstance(value, int) or not low <= value <= high:
            raise UserError(f"network.{name}={value} must be a whole number from {low} to {high}")
