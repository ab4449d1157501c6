"""An exported model as if it were a transform network: what ``stylize --ckpt`` runs."""

from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

import torch
from torch import Tensor, nn

from faststyle.export.backend import LoadedModel
from faststyle.images.pixels import IMAGENET_MEAN, IMAGENET_STD, quantize, resample, to_unit
from faststyle.networks import STRIDE, pad_to_multiple

Triple = tuple[float, float, float]


class Pixels(NamedTuple):
    """A range of pixels: those in [0, 1], less ``mean``, by ``std``, for each of RGB."""

    name: str
    mean: Triple
    std: Triple

    def encode(self, unit: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] as the model takes it."""
        mean, std = torch.tensor(self[1:]).view(2, 1, 3, 1, 1).unbind()
        return (unit - mean) / std

    def decode(self, values: Tensor) -> Tensor:
        """What the model gave, in [0, 1] or a little beyond."""
        mean, std = torch.tensor(self[1:]).view(2, 1, 3, 1, 1).unbind()
        return values * std + mean


BYTES = Pixels("from 0 to 255", (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))
UNIT = Pixels("from 0 to 1", (0, 0, 0), (1, 1, 1))
SIGNED = Pixels("from -1 to 1", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET = Pixels("normalized by ImageNet's mean and deviation", IMAGENET_MEAN, IMAGENET_STD)

#: No normalized pixel is so large, and no picture of bytes is so dark.
_NORMALIZED = 10.0
#: How far networks without a last tanh or sigmoid leave their range.
_BEYOND = 0.25


def guess_pixels(run: Callable[[Tensor], Tensor], size: tuple[int, int]) -> Pixels | None:
    """By what a model makes of a gray ramp of ``size``, where its file does not say.

    A network takes pixels in the range in which it gives them. None if it gives one number alone,
    or what is none.
    """
    ramp = torch.linspace(0, 1, size[0] * size[1]).view(1, 1, *size).expand(1, 3, *size)
    if _reach(run(BYTES.encode(ramp)))[1] > _NORMALIZED:
        return BYTES
    low, high = _reach(run(UNIT.encode(ramp)))
    if not low < high:
        return None
    if low > -_BEYOND:
        return UNIT
    return SIGNED if max(-low, high) < 1 + _BEYOND / 5 else IMAGENET


def _reach(values: Tensor) -> tuple[float, float]:
    """The least and the largest value, but for one in a hundred."""
    flat = values.float().flatten().sort().values
    margin = len(flat) // 100
    return float(flat[margin]), float(flat[-1 - margin])


class ExportedNetwork(nn.Module):
    """A model that another runtime computes, on the CPU, as if it were a transform network.

    Args:
        model: takes and gives (N, 3, H, W), uint8 or floats. If it has a size, pictures of others
            are scaled, there and back.
        pixels: the range of a model of floats.

    Attributes:
        min_side: of pictures that it takes; smaller ones are made as large.
    """

    # Others' models make pictures of other sizes where a side is no such multiple.
    min_side = 2 * STRIDE

    def __init__(self, model: LoadedModel, pixels: Pixels = BYTES) -> None:
        super().__init__()
        self.model = model
        self.pixels = pixels
        self._running = Lock()  # OpenVINO's requests are not for several threads

    def forward(self, images: Tensor) -> Tensor:
        """Stylize ``images`` (N, 3, H, W; RGB in [0, 1]); the result has the same shape."""
        height, width = images.shape[-2:]
        size = self.model.size
        if size is not None:
            made = (self.run(resample(image, size)[None])[0] for image in images)
            return torch.stack([resample(image, (height, width)) for image in made])
        return self.run(pad_to_multiple(images, self.min_side))[..., :height, :width]

    def run(self, images: Tensor) -> Tensor:
        """Stylize (N, 3, H, W) in [0, 1], of a size that the model takes as it is."""
        photos = images.cpu().float()
        given = quantize(photos) if self.takes_bytes else self.pixels.encode(photos)
        stylized = self._ordered(self.compute(self._ordered(given)))
        if not stylized.is_floating_point():
            return to_unit(stylized).to(images)
        return self.pixels.decode(stylized.float()).to(images)

    def _ordered(self, values: Tensor) -> Tensor:
        return values.flip(1) if self.model.blue_first else values

    @property
    def takes_bytes(self) -> bool:
        """Whether the model's input is of uint8."""
        return self.model.dtype == torch.uint8

    def compute(self, photos: Tensor) -> Tensor:
        """What the model itself makes of the numbers ``photos``."""
        try:
            with self._running:
                return self.model.run(photos.to(self.model.dtype).contiguous())
        except Exception as error:  # the runtimes' have no common class
            raise RuntimeError(str(error)) from None
