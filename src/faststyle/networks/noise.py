"""Noise for flat surfaces, the same for a pixel however the picture is cut into strips.

Where a photo is flat every layer's features are constant, so that a network could only repeat a
pattern with the period of its strides, or amplify the photo's own noise. Ulyanov et al. (2016,
Texture Networks) give a generator noise of several scales, from which it makes forms that do not
repeat.
"""

import inspect

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.networks.stages import DEFAULT_FIELD, STRIDE, FoldableNorm, NoiseField, crop

#: Independent fields in each octave: two make a direction.
_FIELDS = 2
#: Points of the lattice after which the noise repeats.
_LENGTH = 256


def takes_noise(network: nn.Module) -> bool:
    """Whether a network can be called with a ``noise``, a :class:`NoiseField`."""
    return "noise" in inspect.signature(network.forward).parameters


class AddNoise(nn.Module):
    """Add to each channel of the features a learned sum of fields of smooth noise.

    Of ``octaves`` scales, the k-th has two fields, with a lattice point every 2^k pixels of the
    features. All pictures have the same noise, so that the frames of a clip agree; a training gives
    each step another seed.
    """

    has_kernels = True
    table: Tensor
    #: The noise that was drawn last, since the frames of a clip have one size, and what it was
    #: drawn for. Calls replace the pair as a whole, so that threads need no lock.
    _latest: tuple[tuple[object, ...], Tensor] | None = None

    def __init__(self, channels: int, octaves: int) -> None:
        super().__init__()
        fields = _FIELDS * octaves
        # About half of the variance that features have after normalization and ReLU.
        weight = torch.randn(channels, fields, 1, 1) * (0.5 / fields) ** 0.5
        self.weight = nn.Parameter(weight)
        # NumPy promises that this generator stays what it is, so every version makes this noise.
        table = np.random.RandomState(0).permutation(_LENGTH)
        # On the CPU even where a network is made without memory, since no file has it.
        self.register_buffer("table", torch.tensor(table, device="cpu"), persistent=False)

    def norms(self) -> list[FoldableNorm]:
        """It has no normalization."""
        return []

    def forward(self, x: Tensor, field: NoiseField = DEFAULT_FIELD, first_row: int = 0) -> Tensor:
        """Map features (N, C, H, W) to the same shape.

        ``first_row``: the place in the picture of the first row of ``x``, if that is a strip.
        """
        count, channels, height, width = x.shape
        noise = self._fields(x, field, first_row).to(x.dtype)
        if torch.compiler.is_exporting():
            # OpenVINO adds up the product below from call to call, and cannot add one to many.
            return x + _weighted_sum(noise, self.weight.to(x.dtype))
        # As a product: a convolution of so few channels takes ten times as long on a CPU.
        weight = self.weight.flatten(1).to(x.dtype).T.expand(count, -1, -1)
        fields = noise.permute(0, 2, 3, 1).flatten(1, 2).expand(count, -1, -1)
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
        y = torch.baddbmm(pixels, fields, weight)
        return y.reshape(count, height, width, channels).permute(0, 3, 1, 2)

    def _fields(self, x: Tensor, field: NoiseField, first_row: int) -> Tensor:
        """(1, fields, H, W), in float32."""
        if field.seed is not None or torch.compiler.is_compiling():
            return self.draw(x, field, first_row)
        place = (field.row, field.column, first_row, *x.shape[2:], x.device)
        latest = self._latest
        if latest is None or latest[0] != place:
            latest = self._latest = place, self.draw(x, field, first_row)
        return latest[1]

    @torch.no_grad()
    def draw(self, x: Tensor, field: NoiseField = DEFAULT_FIELD, first_row: int = 0) -> Tensor:
        """The noise (1, fields, H, W), float32, for features (N, C, H, W); see :meth:`forward`."""
        with torch.autocast(x.device.type, enabled=False):
            count = self.weight.shape[1]
            seeds = torch.arange(count, device=x.device)[None]
            seeds = seeds if field.seed is None else seeds + field.seed
            place = field.row // STRIDE + first_row, field.column // STRIDE, *x.shape[2:]
            octaves = enumerate(range(0, count, _FIELDS))
            fields = [
                smooth_noise(self.table, seeds[:, first : first + _FIELDS], 2**k, *place)
                for k, first in octaves
            ]
            return torch.cat(fields, 1)


class FixedNoise(nn.Module):
    """The same noise from a table, for pictures of up to ``size`` that begin at its corner."""

    has_kernels = False
    fields: Tensor

    def __init__(self, noise: AddNoise, size: tuple[int, int]) -> None:
        super().__init__()
        largest = noise.weight.new_empty(1, 1, *(side // STRIDE for side in size))
        self.register_buffer("fields", noise.draw(largest))
        self.weight = noise.weight

    def forward(self, x: Tensor, *_: object) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        height, width = x.shape[2:]
        is_whole = isinstance(height, int) and self.fields.shape[2:] == x.shape[2:]
        if is_whole:
            return x + _weighted_sum(self.fields, self.weight)
        # Core ML, for which this is, cannot compute the sides that a product is reshaped to.
        return x + F.conv2d(self.fields[:, :, :height, :width], self.weight)


def _weighted_sum(fields: Tensor, weight: Tensor) -> Tensor:
    """(1, C, H, W) of (1, fields, H, W), by weights (C, fields, 1, 1).

    A convolution, but as a product: some runtimes read no convolution of a constant.
    """
    _, count, height, width = fields.shape
    pixels = weight.reshape(-1, count) @ fields.reshape(1, count, height * width)
    return pixels.view(1, -1, height, width)


def smooth_noise(
    table: Tensor,
    seeds: Tensor,
    period: int,
    first_row: int,
    first_column: int,
    height: int,
    width: int,
) -> Tensor:
    """Value noise (N, C, height, width), float32, of mean 0 and variance 1 at every pixel.

    A pixel is the weighted sum of four points of a lattice, its weights a smoothstep. The points
    are evenly distributed, by a hash of seed and place (Perlin, 2002), and repeat after as many of
    them as ``table``, a permutation of 0, 1, 2, ..., has entries; nothing else decides. ``seeds``
    (N, C) are whole numbers, ``period`` is the pixels from a point of the lattice to the next, and
    ``first_row`` and ``first_column`` say where in the picture the result begins.
    """
    entries, device, rows = len(table), table.device, table[:, None]
    y, x = (
        torch.arange(start // period, (start + count - 1) // period + 2, device=device)
        for start, count in ((first_row, height), (first_column, width))
    )
    index = seeds[..., None, None]
    for shift in (y[:, None], x, y[:, None]):
        index = F.embedding(index % entries, rows).squeeze(-1) + shift
    drawn = F.embedding(index % entries, rows).squeeze(-1)
    lattice = (drawn - (entries - 1) / 2) * (12 / (entries**2 - 1)) ** 0.5
    pixels = _between(_between(lattice, 3, period), 2, period)
    return crop(pixels, height, width, first_row % period, first_column % period)


def _between(lattice: Tensor, dim: int, period: int) -> Tensor:
    """What ``lattice`` is at the pixels between its points along ``dim``, the variance kept."""
    # Pixels lie half a pixel beside the lattice, so that both of their neighbors count.
    t = (torch.arange(period, device=lattice.device) + 0.5) / period
    t = t.reshape(-1, *(1,) * (3 - dim))
    after = t * t * (3 - 2 * t)
    length = (after.square() + (1 - after).square()).sqrt()
    intervals = lattice.shape[dim] - 1
    first, second = (lattice.narrow(dim, i, intervals).unsqueeze(dim + 1) for i in (0, 1))
    pixels = torch.addcmul(first * ((1 - after) / length), second, after / length)
    return pixels.flatten(dim, dim + 1)
