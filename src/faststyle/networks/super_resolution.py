"""A network that enlarges pictures (Johnson et al., 2016, section 4.2)."""

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.core.limits import Between, OneOf
from faststyle.networks import kernels, layers
from faststyle.networks.stages import NETWORKS, STRIDE, crop, pad_to_multiple

#: By how much pictures can be enlarged: so many doublings make them.
FACTORS = (2, 4, 8)
#: How features are doubled.
UPSAMPLINGS = ("resize", "shuffle", "transposed")
_MIN_SIDE = 8


@NETWORKS.register("super_resolution")
class SuperResolutionNetwork(nn.Module):
    """Residual network that enlarges pictures (Johnson et al., 2016, supplementary, table 2).

    A 9x9 convolution and residual blocks at the size of the input, one learned doubling after
    another, and a 9x9 convolution to RGB. Maps (N, 3, H, W) in [0, 1] to (N, 3, factor * H,
    factor * W), whatever H and W are.

    Two things are not the paper's:

    - Nothing is normalized. Batch norm, which the paper has, makes what a picture becomes depend on
      others, and instance norm removes contrast and color, which are to be kept; without both,
      networks are better (Lim et al., 2017, EDSR, section 3.1). So a pixel depends on its
      surroundings alone, and a picture can be computed in tiles that fit without a seam.
    - What the network makes is added to the bicubic enlargement. Its last layer begins at 0, so
      that training begins with that enlargement, and colors need not be learned (Kim et al., 2016,
      VDSR, section 3.2).

    Args:
        factor: 2, 4 or 8.
        width: channels of all layers but the last.
        blocks: number of residual blocks.
        upsample: ``resize`` (nearest neighbor, then a 3x3 convolution; Odena et al., 2016: no
            checkerboards); ``shuffle`` (a convolution to four times the channels, which become
            pixels; Shi et al., 2016), begun as if it was nearest neighbor (Aitken et al., 2017); or
            ``transposed`` convolution, as in the paper.

    Attributes:
        halo: rows and columns of the input, on each side, that a pixel of the result depends on
            besides its own; rounded up to a multiple of ``STRIDE``, as sides are.

    Raises:
        UserError: an option that is not one of these, or out of range.
    """

    def __init__(
        self,
        factor: int = 4,
        width: Annotated[int, Between(1, 1024)] = 64,
        blocks: Annotated[int, Between(0, 64)] = 4,
        upsample: Annotated[str, OneOf(UPSAMPLINGS)] = "resize",
    ) -> None:
        super().__init__()
        if not isinstance(factor, int) or factor not in FACTORS:
            known = ", ".join(map(str, FACTORS))
            raise UserError(f"factor={factor}: networks enlarge by one of {known}")
        self.factor = factor
        self.bytes_per_pixel = 64 + 21 * width // 4  # measured
        self.enlarge = Bicubic(factor)
        self.stem = layers.ConvNormReLU(layers.make_conv(3, width, 9, 1, "reflect"), _no_norm)
        self.blocks = nn.Sequential(
            *(layers.ResidualBlock(width, _no_norm, "reflect") for _ in range(blocks))
        )
        self.has_kernels = upsample == "resize"
        doublings = factor.bit_length() - 1
        self.ups = nn.Sequential(*(_double(width, upsample) for _ in range(doublings)))
        self.head = layers.OutputConv(width, "reflect")
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)
        # The first convolution sees 4, a block 2, all that is larger never more than 3 together.
        self.halo = -(-(4 + 2 * blocks + 3) // STRIDE) * STRIDE

    def forward(self, images: Tensor) -> Tensor:
        """Enlarge ``images`` (N, 3, H, W; RGB in [0, 1]) to ``factor`` times H and W.

        The result may leave [0, 1] a little.
        """
        height, width = images.shape[-2:]
        x = pad_to_multiple(images, minimum=_MIN_SIDE)
        y = kernels.run_layers(self._details, x, self.has_kernels)
        y = self.enlarge(x) + y.to(images.dtype)
        return crop(y, self.factor * height, self.factor * width)

    def _details(self, x: Tensor) -> Tensor:
        details: Tensor = self.head(self.ups(self.blocks(self.stem(x))))
        return details


class Bicubic(nn.Module):
    """The bicubic enlargement of (N, C, H, W) to ``factor`` times H and W."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, factor * H, factor * W)."""
        size = self.factor * x.shape[-2], self.factor * x.shape[-1]
        return F.interpolate(x, size, mode="bicubic")


def _no_norm(_channels: int) -> nn.Module:
    return nn.Identity()


def _double(width: int, upsample: str) -> nn.Module:
    """A layer that maps (N, width, H, W) to twice H and W."""
    if upsample != "shuffle":
        return layers.make_upsample(width, width, upsample, _no_norm, "reflect")
    spread = layers.make_conv(width, 4 * width, 3, 1, "reflect")
    with torch.no_grad():  # the four pixels that one becomes are alike at first
        for values in spread.parameters():
            values.copy_(values[::4].repeat_interleave(4, 0))
    return nn.Sequential(spread, nn.PixelShuffle(2), nn.ReLU(inplace=True))
