"""The transform network of Johnson et al.: a photo in, the stylized photo out, in one pass."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from faststyle.core.errors import UserError, nearest
from faststyle.networks import kernels
from faststyle.networks.conditional import MAX_STYLES, count_styles, mixed
from faststyle.networks.cpu import use_cpu_kernels
from faststyle.networks.layers import (
    ConvNormReLU,
    MakeNorm,
    OutputConv,
    ResidualBlock,
    Stage,
    UpsampleConvNormReLU,
    make_conv,
    make_norm,
)
from faststyle.networks.noise import AddNoise

_CHOICES = {
    "norm": ("instance", "batch"),
    "upsample": ("resize", "transposed"),
    "padding": ("reflect", "zero", "reflect_start"),
    "output": ("tanh", "linear", "sigmoid"),
}


class TransformNetwork(nn.Module):
    """Residual transform network (Johnson et al., 2016, supplementary, table 1).

    A 9x9 convolution, two of stride 2, perhaps noise, residual blocks, two up-sampling stages, and
    a 9x9 convolution back to RGB. Maps (N, 3, H, W) in [0, 1] to the same shape, whatever H and W
    are.

    Args:
        width: channels of the first layer; the residual blocks have four times as many.
        blocks: number of residual blocks.
        norm: ``instance`` (Ulyanov et al., 2017) or ``batch``.
        upsample: ``resize`` (nearest neighbor, then convolution; Odena et al., 2016: no
            checkerboards) or ``transposed`` convolution.
        padding: ``reflect``, ``zero``, or ``reflect_start`` (the paper's: the picture is reflected
            once at the start and the residual blocks do without padding).
        output: ``tanh``, scaled to [0, 1]; ``sigmoid``; or ``linear``, which may leave [0, 1].
        noise: octaves of the noise, from which flat surfaces get forms; 0 for none.
        styles: how many styles it has, which share all convolutions
            (:mod:`faststyle.networks.conditional`).

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
        noise: int = 0,
        styles: int = 1,
    ) -> None:
        super().__init__()
        self.options: dict[str, int | str] = {
            "width": width,
            "blocks": blocks,
            "norm": norm,
            "upsample": upsample,
            "padding": padding,
            "output": output,
            "noise": noise,
            "styles": styles,
        }
        _check_options(self.options)
        make = make_norm(norm, styles)
        self.output = output
        # A block without padding loses two pixels a side, each worth four of the picture's.
        self.reflection = 8 * blocks if padding == "reflect_start" else 0
        self.stem = ConvNormReLU(make_conv(3, width, 9, 1, padding), make)
        self.down1 = ConvNormReLU(make_conv(width, 2 * width, 3, 2, padding), make)
        self.down2 = ConvNormReLU(make_conv(2 * width, 4 * width, 3, 2, padding), make)
        self.noise = AddNoise(4 * width, noise) if noise else None
        self.blocks = nn.Sequential(
            *(ResidualBlock(4 * width, make, padding) for _ in range(blocks))
        )
        self.up1 = _upsample(4 * width, 2 * width, upsample, make, padding)
        self.up2 = _upsample(2 * width, width, upsample, make, padding)
        self.head = OutputConv(width, padding)

    def forward(self, images: Tensor, mixture: Tensor | None = None) -> Tensor:
        """Stylize ``images`` (N, 3, H, W; RGB in [0, 1]); the result has the same shape.

        ``mixture``: of a network of S styles, the share of each in each picture, (N, S), or in all
        of them, (S,).
        """
        if mixture is not None:
            result: Tensor = functional_call(self, mixed(self, mixture), (images,))
            return result
        if self.options["styles"] != 1 and count_styles(self):
            raise ValueError("a network of several styles needs to know the mixture of them")
        height, width = images.shape[-2:]
        x = self.pad(images)
        if self.reflection:
            x = F.pad(x, (self.reflection,) * 4, mode="reflect")
        if use_cpu_kernels(x) and all(stage.layer.has_kernels for stage in self.stages()):
            y = kernels.without_autocast(self._through_stages, x)
        else:
            y = self._through_stages(x)
        return self.activate(crop(y, height, width).to(images.dtype))

    def pad(self, images: Tensor) -> Tensor:
        """Pictures (N, C, H, W), large enough, and of sides that the strides divide."""
        return pad_to_multiple(images, minimum=max(8, self.reflection + 1))

    def _through_stages(self, x: Tensor) -> Tensor:
        for stage in self.stages():
            x = stage.apply(x)
        return x

    def stages(self) -> list[Stage]:
        """All layers in their order, but for the output's non-linearity."""
        return [
            Stage(self.stem, scale=1, halo=4),
            Stage(self.down1, scale=0.5, halo=1),
            Stage(self.down2, scale=0.5, halo=1),
            *([Stage(self.noise, scale=1, halo=0, placed=True)] if self.noise else []),
            *(Stage(block, scale=1, halo=2) for block in self.blocks),  # type: ignore[arg-type]
            Stage(self.up1, scale=2, halo=1),
            Stage(self.up2, scale=2, halo=1),
            Stage(self.head, scale=1, halo=4),
        ]

    def activate(self, y: Tensor) -> Tensor:
        """The output's non-linearity."""
        if self.output == "tanh":
            return (2 * y).sigmoid()  # (tanh(y) + 1) / 2 in a third of the time
        return y.sigmoid() if self.output == "sigmoid" else y


def pad_to_multiple(images: Tensor, minimum: int) -> Tensor:
    """Repeat the last row and column of (N, C, H, W) until both sides are multiples of 4.

    A side of less than ``minimum`` becomes that long, rounded up to a multiple of 4.
    """
    height, width = images.shape[-2:]
    below, right = (_missing(side, minimum) for side in (height, width))
    if _is_open(below, right) or below or right:
        return F.pad(images, (0, right, 0, below), mode="replicate")
    return images


def crop(images: Tensor, height: int, width: int) -> Tensor:
    """The first ``height`` rows and ``width`` columns of (N, C, H, W)."""
    below, right = height - images.shape[-2], width - images.shape[-1]
    if _is_open(below, right) or below or right:
        # Slicing would tie an exported program to sizes of one kind: strides depend on it.
        return F.pad(images, (0, right, 0, below))
    return images


def _missing(side: int, minimum: int) -> int:
    least = side if _is_known(side >= minimum) else max(side, minimum)
    # By a quotient and not a remainder: of the sizes of all layers SymPy then knows without long
    # thought that they are multiples of it, which makes an export half again as fast.
    return 4 * ((least + 3) // 4) - side


def _is_open(*pixels: int) -> bool:
    """Whether numbers of pixels stand for any, as in the trace of a program for any size.

    It must not depend on whether the size that it is traced with needs nothing.
    """
    return torch.compiler.is_exporting() and not all(_is_known(n == 0) for n in pixels)


def _is_known(condition: bool) -> bool:
    """Whether it is true of every size that a program is traced for."""
    if not torch.compiler.is_exporting():
        return condition
    # Imported late: it brings SymPy.
    from torch.fx.experimental.symbolic_shapes import statically_known_true

    return statically_known_true(condition)


def _upsample(
    inputs: int, outputs: int, upsample: str, norm: MakeNorm, padding: str
) -> ConvNormReLU:
    if upsample == "transposed":
        conv = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
        return ConvNormReLU(conv, norm)
    return UpsampleConvNormReLU(make_conv(inputs, outputs, 3, 1, padding), norm)


def _check_options(options: dict[str, int | str]) -> None:
    for name, choices in _CHOICES.items():
        if options[name] not in choices:
            raise UserError(
                f'network.{name}="{options[name]}": {nearest(str(options[name]), choices)}'
            )
    # The upper limits keep a hostile checkpoint from asking for endless memory.
    limits = (("width", 1, 1024), ("blocks", 0, 64), ("noise", 0, 8), ("styles", 1, MAX_STYLES))
    for name, low, high in limits:
        value = options[name]
        if not isinstance(value, int) or not low <= value <= high:
            raise UserError(f"network.{name}={value} must be a whole number from {low} to {high}")
    if options["norm"] == "batch" and options["styles"] != 1:
        raise UserError("network.styles: several styles need network.norm=instance")
