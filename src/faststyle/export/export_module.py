"""What is exported: pixels in, stylized pixels out, and how that is chosen."""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError, nearest
from faststyle.images.pixels import resample
from faststyle.networks import STRIDE
from faststyle.networks.conditional import count_styles
from faststyle.networks.stages import smallest_side

#: The key of a model's metadata under which it says what pixels it takes.
PIXELS_KEY = "pixels"
#: What pixels are, in and out: uint8, or float32 in [0, 1].
PIXELS = ("bytes", "float")
#: What bytes are to runtimes that compute with floats alone: float32 from 0 to 255, unrounded.
FLOAT_BYTES = "float bytes"
#: The key under which a model's metadata says what sizes of pictures it takes (:attr:`sizes` of
#: :class:`ExportOptions`, or ``512x768``), and that of the smallest side, where there is one.
SIZES_KEY, MIN_SIDE_KEY = "sizes", "min_side"
#: Sizes that a model can take, if not one alone.
ANY, MULTIPLE4 = "any", "multiple4"
Size = tuple[int, int]
#: Limits of a side of pictures of one size.
MIN_SIDE, MAX_SIDE = 16, 8192


@dataclass(frozen=True)
class ExportOptions:
    """How a style is exported.

    Args:
        pixels: one of :data:`PIXELS`.
        half: in float16, with weights of half the size.
        int8: with weights, and what convolutions take, in 8 bits.
        sizes: ``any``; ``multiple4``, for sides that are multiples of 4, so that the model need not
            pad; or height and width of the only pictures that it takes. None for the first of these
            that the backend offers.
        opset: of ONNX; none for the newest that torch writes.
        ir_version: of ONNX's files; none for that of torch.
        calibration: photos (1, 3, H, W) in [0, 1] from which ``int8`` learns what range each
            layer's values have.

    Raises:
        UserError: a choice that is not known or out of range, or two that exclude each other.
    """

    pixels: str = "bytes"
    half: bool = False
    int8: bool = False
    sizes: str | Size | None = None
    opset: int | None = None
    ir_version: int | None = None
    calibration: Sequence[Tensor] = ()

    def __post_init__(self) -> None:
        if self.pixels not in PIXELS:
            raise UserError(f'unknown pixels "{self.pixels}": {nearest(self.pixels, PIXELS)}')
        if self.half and self.int8:
            raise UserError("--half and --int8 exclude each other")
        if self.int8 and not self.calibration:
            raise UserError("8 bits need photos that the range of values is learned from")
        if isinstance(self.sizes, str) and self.sizes not in (ANY, MULTIPLE4):
            raise UserError(f'unknown sizes "{self.sizes}": any, multiple4, or a height and width')
        sides = self.size or ()
        if any(side % STRIDE or not MIN_SIDE <= side <= MAX_SIDE for side in sides):
            raise UserError(
                f"--sizes {'x'.join(map(str, sides))}: height and width must be multiples of"
                f" {STRIDE}, from {MIN_SIDE} to {MAX_SIDE}"
            )

    @property
    def size(self) -> Size | None:
        """Height and width of the only pictures that the model takes, if it takes one size."""
        return None if isinstance(self.sizes, str) else self.sizes

    def fitted(self) -> list[Tensor]:
        """The calibration photos, at ``size`` if there is one."""
        if self.size is None:
            return list(self.calibration)
        return [resample(photo[0], self.size)[None] for photo in self.calibration]


def fixed_size(metadata: Mapping[str, str]) -> Size | None:
    """Height and width of the only pictures that a model takes, by what its file says."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", metadata.get(SIZES_KEY, ""))
    return (int(found[1]), int(found[2])) if found else None


class ExportModule(nn.Module):
    """Pixels in, stylized pixels out.

    Args:
        network: the transform network.
        pixels: one of :data:`PIXELS`, or :data:`FLOAT_BYTES`.
        half: compute in float16, with weights of half the size.

    Attributes:
        styles: how many styles the network has, if it is to be told the weights of them; else 0.
        takes_multiples: whether sides are multiples of 4, so that a trace need not pad nor crop.
    """

    takes_multiples = False

    def __init__(self, network: nn.Module, pixels: str = "bytes", half: bool = False) -> None:
        super().__init__()
        self.dtype = torch.float16 if half else torch.float32
        self.network = copy.deepcopy(network).to(self.dtype).requires_grad_(False).eval()
        self.bytes, self.unit = pixels == "bytes", pixels == "float"
        self.styles = count_styles(network)

    def forward(self, photos: Tensor, *style_weights: Tensor) -> Tensor:
        """Stylize (N, 3, H, W), or enlarge it; the same type out.

        ``style_weights``: (S,) for a network of S styles; only their proportions count.
        """
        if self.takes_multiples:
            for side in photos.shape[2:]:
                torch._check(side % STRIDE == 0)
        unit = photos if self.unit else photos.to(torch.float32) / 255
        proportions = [(weights / weights.sum()).to(self.dtype) for weights in style_weights]
        stylized: Tensor = self.network(unit.to(self.dtype), *proportions).float().clamp(0, 1)
        if self.unit:
            return stylized
        return (stylized * 255).round().to(torch.uint8) if self.bytes else stylized * 255

    @property
    def smallest_side(self) -> int:
        """Of pictures that are computed without being made larger first."""
        return smallest_side(self.network)

    def encode(self, photos: Tensor) -> Tensor:
        """Photos in [0, 1] as this module takes them."""
        levels = photos if self.unit else (photos * 255).round()
        return levels.to(torch.uint8) if self.bytes else levels

    def example(self, count: int, height: int, width: int) -> tuple[Tensor, ...]:
        """Photos of noise, and style weights if there are any, as this module takes them."""
        generator = torch.Generator().manual_seed(0)
        photos = self.encode(torch.rand(count, 3, height, width, generator=generator))
        style_weights = torch.rand(self.styles, generator=generator)
        return (photos, style_weights) if self.styles else (photos,)
