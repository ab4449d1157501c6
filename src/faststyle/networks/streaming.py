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
from collections.abc import Callable, Iterator, Sequence
from typing import TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.networks.cpu import empty
from faststyle.networks.instance_norm import merge_moments, moments, weighted_moments
from faststyle.networks.noise import DEFAULT_FIELD, NoiseField
from faststyle.networks.stages import Stage, StagedNetwork, margin_of, stages_of, strides

#: Rows from, to (of pixels or features) -> the strip (1, C, to - from, W).
Read = Callable[[int, int], Tensor]


def can_stream(network: nn.Module) -> TypeGuard[StagedNetwork]:
    """Whether :func:`stream` computes this network."""
    stages = stages_of(network)
    return bool(stages) and all(stage.layer.has_kernels for stage in stages)


@torch.no_grad()
def stream(
    network: StagedNetwork,
    read: Read,
    height: int,
    width: int,
    rows: int,
    dtype: torch.dtype,
    after_each: Callable[[], None] = lambda: None,
    weights: Read | None = None,
    noise: NoiseField = DEFAULT_FIELD,
) -> Iterator[tuple[int, Tensor]]:
    """What ``network`` makes of a picture, strip by strip from the top.

    Args:
        network: one that :func:`can_stream`; it is left as it is.
        read: gives rows of the picture, (1, 3, to - from, W) in [0, 1].
        height: of the picture, 8 or more.
        width: of the picture, 8 or more.
        rows: how many rows of pixels to compute at a time.
        dtype: what convolutions compute in.
        after_each: called whenever a strip has been computed, :func:`count_strips` times.
        weights: gives how much pixels count in the statistics, (1, 1, to - from, W), from 0 to 1,
            not all 0; none if all count alike.
        noise: which noise, if the network has some.

    Yields:
        The first row of each strip, and the strip, (1, 3, rows, W) in [0, 1].
    """
    network = copy.deepcopy(network)  # folding changes it
    stages = network.stages()
    grid, coarse_rows, margin = _grid(stages), _coarse_rows(stages, rows), margin_of(network)
    size = _Padding(height, width, grid, margin)
    padded, padded_weights = size.pad(read), weights and size.pad(weights)

    def read_padded(start: int, stop: int) -> Tensor:
        return padded(start, stop).to(dtype).contiguous(memory_format=torch.channels_last)

    def weigh(start: int, strip: Tensor) -> Tensor | None:
        if padded_weights is None:
            return None
        factor = size.width // strip.shape[3]
        stop = start + strip.shape[2]
        return F.avg_pool2d(padded_weights(start * factor, stop * factor), factor)[0, 0]

    chain = _Chain(read_padded, size.height // grid, grid, coarse_rows, after_each, noise)
    features: Tensor | None = None
    for stage, stride in zip(stages, strides(stages), strict=True):
        chain.stages.append(stage)
        for norm in stage.layer.norms():
            strips = chain.strips(norm.before)
            norm.fold(*_moments((strip, weigh(start, strip)) for start, strip in strips))
        stage.layer.to(dtype)
        if stride == grid and stage is not stages[-1]:
            features = _store(chain, features)
            chain = _Chain(_rows_of(features), chain.height, 1, coarse_rows, after_each, noise)
    exact = torch.promote_types(dtype, torch.float32)
    for start, strip in chain.strips():
        above, below = max(0, margin - start), max(0, margin + height - start)
        inside = strip[..., above:below, margin : margin + width]
        if inside.shape[2]:
            yield start + above - margin, network.activate(inside.to(exact))


class _Padding:
    """A picture as a network pads it: to multiples of ``grid``, then reflected by ``margin``.

    ``height`` and ``width`` are of the padded one.
    """

    def __init__(self, height: int, width: int, grid: int, margin: int) -> None:
        self._height, self._width, self._margin = height, width, margin
        # A side is reflected about its last pixels, so it has to be longer than the margin.
        self._tall, self._wide = (
            -(-max(side, margin + 1) // grid) * grid for side in (height, width)
        )
        self.height, self.width = self._tall + 2 * margin, self._wide + 2 * margin

    def pad(self, read: Read) -> Read:
        """Gives rows of the padded picture, by ``read``, which gives those of the picture."""
        columns = self._places(0, self.width, self._wide)

        def read_padded(start: int, stop: int) -> Tensor:
            rows = self._places(start, stop, self._tall)
            first = int(rows.min())
            strip = self._repeat_ends(read, first, int(rows.max()) + 1)
            if not self._margin:
                return strip
            return strip[:, :, (rows - first).to(strip.device)][..., columns.to(strip.device)]

        return read_padded

    def _places(self, start: int, stop: int, side: int) -> Tensor:
        """Where in a side the pixels from ``start`` to ``stop`` of the reflected one are."""
        place = (torch.arange(start, stop) - self._margin).abs()
        return torch.minimum(place, 2 * (side - 1) - place)

    def _repeat_ends(self, read: Read, start: int, stop: int) -> Tensor:
        first = min(start, self._height - 1)
        strip = read(first, min(stop, self._height))
        right, below = self._wide - self._width, max(0, stop - self._height)
        if right or below:
            strip = F.pad(strip, (0, right, 0, below), mode="replicate")
        return strip[:, :, start - first :]


def count_strips(network: StagedNetwork, height: int, rows: int) -> int:
    """How many strips :func:`stream` computes, all passes together."""
    stages = network.stages()
    grid = _grid(stages)
    height = _Padding(height, height, grid, margin_of(network)).height
    stored = strides(stages)[:-1].count(grid)
    passes = sum(len(stage.layer.norms()) for stage in stages) + stored + 1
    return passes * -(-height // (grid * _coarse_rows(stages, rows)))


class _Chain:
    """Layers behind one another on what ``read`` gives, a strip at a time.

    ``height`` counts rows where the network is at its coarsest, each of them ``unit`` rows of
    what is read; a strip is made of ``rows`` such rows.
    """

    def __init__(
        self,
        read: Read,
        height: int,
        unit: int,
        rows: int,
        after_each: Callable[[], None],
        noise: NoiseField,
    ) -> None:
        self.read, self.height, self.unit, self.rows = read, height, unit, rows
        self.after_each, self.noise = after_each, noise
        self.stages: list[Stage] = []

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
    pending: list[tuple[int, Tensor]] = []
    result: Tensor | None = None
    for start, strip in chain.strips():
        if result is None:
            size = (1, strip.shape[1], chain.height, strip.shape[3])
            fits = features is not None and features.shape == size
            result = features if fits else empty(size, strip)
            assert result is not None
        pending.append((start, strip))
        if len(pending) > 1:
            _write(result, *pending.pop(0))
    assert result is not None
    _write(result, *pending.pop())
    return result


def _write(target: Tensor, start: int, strip: Tensor) -> None:
    target[:, :, start : start + strip.shape[2]] = strip


def _rows_of(features: Tensor) -> Read:
    return lambda start, stop: features[:, :, start:stop]


def _grid(stages: Sequence[Stage]) -> int:
    """Rows of the picture for each row where the network is at its coarsest."""
    return int(max(strides(stages)))


def _coarse_rows(stages: Sequence[Stage], rows: int) -> int:
    """Rows of a strip where the network is at its coarsest: no fewer than a layer sees beyond."""
    grid = _grid(stages)
    halos = [s.halo for s, at in zip(stages, strides(stages), strict=True) if at == grid]
    return max(*halos, rows // grid)


def _moments(strips: Iterator[tuple[Tensor, Tensor | None]]) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) of all strips together, by their weights, in float64."""
    parts = []
    for strip, weights in strips:
        mean, variance = moments(strip) if weights is None else weighted_moments(strip, weights)
        count = strip[:, 0].numel() if weights is None else weights.sum().item()
        parts.append((count, mean.double(), variance.double()))
    return merge_moments(parts)
