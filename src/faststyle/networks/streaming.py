"""A transform network on a picture of any size, in bounded memory and with the same result.

Instance normalization sees the whole picture, so a picture cannot simply be cut into parts: each
would come out in colors of its own. Here each layer's statistics are taken from the whole picture,
a strip of rows at a time, before the next layer is computed. What is kept of the picture are the
features where the network is at its coarsest (for johnson those of the residual blocks: 4 * width
channels at a quarter of the picture's height and width); all that is larger is computed anew for
each strip. For johnson that is 2.3 times the arithmetic of one pass.
"""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import NamedTuple, TypeGuard, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.devices import empty
from faststyle.images.pixels import to_unit
from faststyle.networks.instance_norm import merge_moments, moments, weighted_moments
from faststyle.networks.stages import (
    DEFAULT_FIELD,
    NoiseField,
    Stage,
    StagedNetwork,
    margin_of,
    stages_of,
    strides,
)

#: Rows from, to (of pixels or features) -> the strip (1, C, to - from, W).
Read = Callable[[int, int], Tensor]


def can_stream(network: nn.Module) -> TypeGuard[StagedNetwork]:
    """Whether :func:`stream` computes this network."""
    stages = stages_of(network)
    return bool(stages) and all(stage.layer.has_kernels for stage in stages)


@torch.no_grad()
def stream(
    network: StagedNetwork,
    picture: Tensor,
    rows: int,
    dtype: torch.dtype,
    device: torch.device,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    weights: Tensor | None = None,
    noise: NoiseField = DEFAULT_FIELD,
) -> Iterator[tuple[int, Tensor]]:
    """What ``network`` makes of a picture, strip by strip from the top.

    Args:
        network: one that :func:`can_stream`, on ``device``; it is left as it is.
        picture: (1, 3, H, W), uint8 or in [0, 1], H and W being 8 or more; on any device.
        rows: how many rows of pixels to compute at a time.
        dtype: what convolutions compute in.
        device: where to compute.
        progress: called with the number of strips that are computed and of all, in all passes.
        weights: how much pixels count in the statistics, (1, 1, H, W), uint8 or from 0 to 1, not
            all 0; none if all count alike.
        noise: which noise, if the network has some.

    Yields:
        The first row of each strip, and the strip, (1, 3, rows, W) in [0, 1].
    """
    network = copy.deepcopy(network)  # folding changes it
    stages, margin = network.stages(), margin_of(network)
    all_strides = strides(stages)
    grid = int(max(all_strides))  # rows of the picture for one where the network is at its coarsest
    padded = _Padded.of(picture, grid, margin, device)
    padded_weights = None if weights is None else _Padded.of(weights, grid, margin, device)

    def read(start: int, stop: int) -> Tensor:
        return padded.read(start, stop).to(dtype).contiguous(memory_format=torch.channels_last)

    # A strip has no fewer rows than a layer sees beyond it.
    halos = [s.halo for s, stride in zip(stages, all_strides, strict=True) if stride == grid]
    height, coarse_rows = len(padded.rows) // grid, max(*halos, rows // grid)
    passes = sum(len(stage.layer.norms()) for stage in stages) + all_strides[:-1].count(grid) + 1
    done, total = count(1), passes * -(-height // coarse_rows)
    chain = _Chain(read, height, grid, coarse_rows, noise, lambda: progress(next(done), total))
    features: Tensor | None = None
    for stage, stride in zip(stages, all_strides, strict=True):
        chain.stages.append(stage)
        for norm in stage.layer.norms():
            norm.fold(*_moments(chain.strips(norm.before), padded_weights))
        stage.layer.to(dtype)
        if stride == grid and stage is not stages[-1]:
            features = _store(chain, features)
            chain = replace(chain, read=_rows_of(features), unit=1, stages=[])
    exact = torch.promote_types(dtype, torch.float32)
    for start, strip in chain.strips():
        above, below = max(0, margin - start), max(0, margin + picture.shape[2] - start)
        inside = strip[..., above:below, margin : margin + picture.shape[3]]
        if inside.shape[2]:
            yield start + above - margin, network.activate(inside.to(exact))


class _Padded(NamedTuple):
    """A picture (1, C, H, W), and which of its rows and columns each one of the padded shows."""

    pixels: Tensor
    rows: Tensor
    columns: Tensor
    device: torch.device

    @classmethod
    def of(cls, pixels: Tensor, grid: int, margin: int, device: torch.device) -> "_Padded":
        """To multiples of ``grid`` by its last row and column, then reflected by ``margin``."""
        rows, columns = (_places(side, grid, margin, pixels.device) for side in pixels.shape[2:])
        return cls(pixels, rows, columns, device)

    def read(self, start: int, stop: int) -> Tensor:
        """Padded rows, in [0, 1]."""
        strip = self.pixels.index_select(2, self.rows[start:stop]).index_select(3, self.columns)
        return to_unit(strip).to(self.device)


def _places(side: int, grid: int, margin: int, device: torch.device) -> Tensor:
    # A side is reflected about its last pixels, so it has to be longer than the margin.
    length = -(-max(side, margin + 1) // grid) * grid
    place = torch.arange(-margin, length + margin, device=device).abs()
    return torch.minimum(place, 2 * (length - 1) - place).clamp(max=side - 1)


@dataclass(frozen=True)
class _Chain:
    """Layers behind one another on what ``read`` gives, a strip at a time.

    ``height`` counts rows where the network is at its coarsest, each of them ``unit`` rows of
    what is read; a strip is made of ``rows`` such rows.
    """

    read: Read
    height: int
    unit: int
    rows: int
    noise: NoiseField
    after_each: Callable[[], None]
    stages: list[Stage] = field(default_factory=list)

    def strips(
        self, last: Callable[[Tensor], Tensor] | None = None
    ) -> Iterator[tuple[int, Tensor]]:
        """First rows and strips of the result, with ``last`` in place of the last layer."""
        *before, final = self.stages
        scale = math.prod(stage.scale for stage in self.stages) * self.unit
        halo = self._halo()
        for start in range(0, self.height, self.rows):
            stop = min(start + self.rows, self.height)
            first = max(0, start - halo)
            row = first * self.unit
            x = self.read(row, min(stop + halo, self.height) * self.unit)
            for stage in before:
                x = stage.apply(x, self.noise, row)
                row = int(row * stage.scale)
            x = last(x) if last else final.apply(x, self.noise, row)
            self.after_each()
            above, count = int((start - first) * scale), int((stop - start) * scale)
            yield int(start * scale), x[:, :, above : above + count]

    def _halo(self) -> int:
        """Coarse rows, on each side, that a strip's result depends on."""
        needed = 0
        for stage in reversed(self.stages):
            needed = math.ceil(needed / stage.scale) + stage.halo
        return math.ceil(needed / self.unit)


def _store(chain: _Chain, features: Tensor | None) -> Tensor:
    """All strips of ``chain`` in one tensor: ``features``, which it reads, if that has the shape.

    A strip replaces what it was made from only after the next one, which sees some of the same
    rows, is made.
    """
    strips = chain.strips()
    start, strip = next(strips)
    size = (1, strip.shape[1], chain.height, strip.shape[3])
    has_room = features is not None and features.shape == size
    result = cast(Tensor, features) if has_room else empty(size, strip)
    for next_start, next_strip in strips:
        result[:, :, start:next_start] = strip
        start, strip = next_start, next_strip
    result[:, :, start:] = strip
    return result


def _rows_of(features: Tensor) -> Read:
    return lambda start, stop: features[:, :, start:stop]


def _moments(
    strips: Iterator[tuple[int, Tensor]], weights: _Padded | None
) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) of all strips together, by their weights, in float64."""
    parts = []
    for start, strip in strips:
        if weights is None:
            count, (mean, variance) = float(strip[:, 0].numel()), moments(strip)
        else:
            factor = len(weights.columns) // strip.shape[3]
            seen = weights.read(start * factor, (start + strip.shape[2]) * factor)
            seen = F.avg_pool2d(seen, factor)[0, 0]
            count, (mean, variance) = seen.sum().item(), weighted_moments(strip, seen)
        parts.append((count, mean.double(), variance.double()))
    return merge_moments(parts)
