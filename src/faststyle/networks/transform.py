"""The transform network of Johnson et al.: a photo in, the stylized photo out, in one pass."""

from functools import partial
from typing import Annotated

import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from faststyle.core.errors import UserError
from faststyle.core.limits import Between, OneOf
from faststyle.networks import kernels, layers
from faststyle.networks.conditional import MAX_STYLES, count_styles, mix_norms
from faststyle.networks.layers import ConvNormReLU, make_conv
from faststyle.networks.noise import AddNoise
from faststyle.networks.stages import (
    DEFAULT_FIELD,
    NETWORKS,
    STRIDE,
    NoiseField,
    Stage,
    crop,
    pad_to_multiple,
    smallest_side,
)


@NETWORKS.register("johnson")
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
        margin: pixels by which the picture is reflected on each side first, and the result cropped,
            so that no frame stands along the borders; a multiple of 4.

    Raises:
        UserError: an option that is not one of these, or out of range.
    """

    def __init__(
        self,
        width: Annotated[int, Between(1, 1024)] = 32,
        blocks: Annotated[int, Between(0, 64)] = 5,
        norm: Annotated[str, OneOf(("instance", "batch"))] = "instance",
        upsample: Annotated[str, OneOf(("resize", "transposed"))] = "resize",
        padding: Annotated[str, OneOf(("reflect", "zero", "reflect_start"))] = "reflect",
        output: Annotated[str, OneOf(("tanh", "linear", "sigmoid"))] = "tanh",
        noise: Annotated[int, Between(0, 8)] = 0,
        styles: Annotated[int, Between(1, MAX_STYLES)] = 1,
        margin: Annotated[int, Between(0, 128)] = 0,
    ) -> None:
        super().__init__()
        if norm == "batch" and styles != 1:
            raise UserError("network.styles: several styles need network.norm=instance")
        make = layers.make_norm(norm, styles)
        if margin % STRIDE:
            raise UserError(f"network.margin={margin} must be a multiple of {STRIDE}")
        self.output, self.styles, self.margin = output, styles, margin
        self.bytes_per_pixel = 158 + 6 * width  # measured
        self.stem = ConvNormReLU(make_conv(3, width, 9, 1, padding), make)
        self.down1 = ConvNormReLU(make_conv(width, 2 * width, 3, 2, padding), make)
        self.down2 = ConvNormReLU(make_conv(2 * width, 4 * width, 3, 2, padding), make)
        self.noise = AddNoise(4 * width, noise) if noise else None
        self.blocks = nn.Sequential(
            *(layers.ResidualBlock(4 * width, make, padding) for _ in range(blocks))
        )
        self.up1 = layers.make_upsample(4 * width, 2 * width, upsample, make, padding)
        self.up2 = layers.make_upsample(2 * width, width, upsample, make, padding)
        self.head = layers.OutputConv(width, padding)
        # Blocks without padding lose pixels on each side, too.
        self.reflection = margin + STRIDE * sum(stage.crop for stage in self.stages())

    def forward(
        self, images: Tensor, style_weights: Tensor | None = None, noise: NoiseField = DEFAULT_FIELD
    ) -> Tensor:
        """Stylize ``images`` (N, 3, H, W; RGB in [0, 1]); the result has the same shape.

        ``style_weights``: of a network of S styles, the share of each in each picture, (N, S), or
        in all of them, (S,).
        """
        if style_weights is not None:
            changed = mix_norms(self, style_weights)
            result: Tensor = functional_call(self, changed, (images,), {"noise": noise})
            return result
        if self.styles != 1 and count_styles(self):
            raise ValueError("a network of several styles needs to know the mixture of them")
        height, width = images.shape[-2:]
        x = self.pad(images)
        if self.reflection:
            x = F.pad(x, (self.reflection,) * 4, mode="reflect")
        has_kernels = all(stage.layer.has_kernels for stage in self.stages())
        y = kernels.run_layers(partial(self._through_stages, noise=noise), x, has_kernels)
        return self.activate(crop(y, height, width, self.margin, self.margin).to(images.dtype))

    def pad(self, images: Tensor) -> Tensor:
        """Pictures (N, C, H, W), large enough, and of sides that the strides divide."""
        return pad_to_multiple(images, smallest_side(self))

    def _through_stages(self, x: Tensor, noise: NoiseField) -> Tensor:
        for stage in self.stages():
            x = stage.apply(x, noise)
        return x

    def stages(self) -> list[Stage]:
        """All layers in their order, but for the output's non-linearity."""
        return [
            Stage(self.stem, scale=1, halo=4),
            Stage(self.down1, scale=0.5, halo=1),
            Stage(self.down2, scale=0.5, halo=1),
            *([Stage(self.noise, scale=1, halo=0, noisy=True)] if self.noise else []),
            *(Stage(block, scale=1, halo=2, crop=block.crop) for block in self.blocks),  # type: ignore[arg-type]
            Stage(self.up1, scale=2, halo=1),
            Stage(self.up2, scale=2, halo=1),
            Stage(self.head, scale=1, halo=4),
        ]

    def activate(self, y: Tensor) -> Tensor:
        """The output's non-linearity."""
        if self.output == "tanh":
            return (2 * y).sigmoid()  # (tanh(y) + 1) / 2 in a third of the time
        return y.sigmoid() if self.output == "sigmoid" else y
