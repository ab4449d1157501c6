"""3x3 convolutions with fewer multiplications (Winograd, 1980; Lavin and Gray, 2016, section 4).

A tile Y of m x m outputs comes from the tile X of n x n inputs, n = m + 2, under it as

    Y = A [(G w G') * (B X B')] A'

where * multiplies element by element: n^2 products for each pair of channels, where a direct
convolution takes 9 m^2. F(6x6, 3x3) takes 5.1 times fewer, F(4x4, 3x3) 4 times. Over all channels
and tiles the products are n^2 matrix products; what is left are the small matrices A and B, each
applied along rows and along columns, whose cost is memory traffic. So a few tiles go through all
steps at a time, and stay in the cache.

In float32 the result of F(6x6, 3x3) is within 5e-6 of the exact one (root of mean squares,
relative), that of F(4x4, 3x3) within 1e-6, as that of a direct convolution.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from faststyle.core.devices import empty

#: Where the polynomials of the Cook-Toom algorithm are evaluated, besides at infinity, for tiles of
#: 4 and of 6 outputs. With each point stands its inverse (that of 0 is infinity), so that a kernel
#: and the same kernel turned by 180 degrees have the same transform but for order and scale.
_POINTS = {4: (0, 2 / 3, -2 / 3, 3 / 2, -3 / 2), 6: (0, 1, -1, 2, -2, 1 / 2, -1 / 2)}
_TAPS = 3
#: Tiles to go through all steps together, at least; as many as channels if these are more, so that
#: matrix products are large, and no more, so that all else stays in the cache.
_TILES = 128


class Transforms(NamedTuple):
    """The matrices of a tile of m outputs: A (m, n), G (n, 3) and B (n, n), in float64."""

    outputs: Tensor
    weights: Tensor
    inputs: Tensor

    def turned(self) -> "Transforms":
        """Those that convolve with G w G' as if w were turned by 180 degrees."""
        flipped = self.weights.flip(1)
        # Each row, flipped, is a multiple of the row of the inverse point.
        products = flipped @ self.weights.T
        lengths = self.weights.square().sum(1)
        cosines = products / (flipped.norm(dim=1)[:, None] * self.weights.norm(dim=1))
        partner = cosines.abs().argmax(1)
        scale = products.gather(1, partner[:, None])[:, 0] / lengths[partner]
        inputs, outputs = torch.empty_like(self.inputs), torch.empty_like(self.outputs)
        inputs[partner] = scale[:, None] * self.inputs
        outputs[:, partner] = self.outputs
        return Transforms(outputs, self.weights, inputs)


def make_transforms(tile: int) -> Transforms:
    """The matrices for tiles of ``tile`` outputs, by the Cook-Toom algorithm (Blahut, 2010, 5.2).

    >>> a, g, b = make_transforms(4)
    >>> y = a @ ((g @ w) * (b @ x))  # y[i] = w[0] x[i] + w[1] x[i + 1] + w[2] x[i + 2]
    """
    points = np.array(_POINTS[tile])
    others = [np.delete(points, index) for index in range(len(points))]
    scale = [np.prod(point - rest) for point, rest in zip(points, others, strict=True)]
    size = tile + _TAPS - 1
    a, g, b = np.zeros((tile, size)), np.zeros((size, _TAPS)), np.zeros((size, size))
    a[:, :-1], a[-1, -1] = np.vander(points, tile, increasing=True).T, 1
    g[:-1], g[-1, -1] = np.vander(points, _TAPS, increasing=True) / np.array(scale)[:, None], 1
    for index, rest in enumerate(others):
        b[index, :-1] = np.poly(rest)[::-1]
    b[-1] = np.poly(points)[::-1]
    return Transforms(*map(torch.from_numpy, (a, g, b)))


_TRANSFORMS = {tile: make_transforms(tile) for tile in _POINTS}
_TURNED = {tile: transforms.turned() for tile, transforms in _TRANSFORMS.items()}


def best_tile(height: int, width: int) -> int:
    """The size of tiles, 4 or 6, that makes fewer products of a result of ``height`` x ``width``.

    Where they are equal it is 4, which loses fewer digits.
    """

    def products(tile: int) -> int:
        return -(-height // tile) * -(-width // tile) * (tile + 2) ** 2

    return min(_POINTS, key=products)


def transform_weights(weight: Tensor, tile: int) -> Tensor:
    """G w G' of a kernel (C_out, C_in, 3, 3), as (n^2, C_in, C_out)."""
    g = _TRANSFORMS[tile].weights
    both = torch.kron(g, g).to(weight)
    return (both @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(
        len(both), weight.shape[1], weight.shape[0]
    )


def convolve(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    padding: int,
    mode: str,
    turned: bool = False,
) -> Tensor:
    """A 3x3 convolution of ``x`` (N, C_in, H, W) by weights that are transformed.

    Args:
        x: float32 or float64, in channels-last layout.
        kernel: (n^2, C_in, C_out), from :func:`transform_weights`.
        bias: (C_out,), if there is one.
        padding: pixels on each side; with ``reflect`` it is 1.
        mode: ``reflect``, or ``constant`` for zeros.
        turned: convolve with the kernel turned by 180 degrees, from its outputs to its inputs: the
            way of gradients. Then ``x`` and the result change their channels.

    Returns:
        (N, C_out, H + 2 padding - 2, W + 2 padding - 2) in channels-last layout.
    """
    tile = int(len(kernel) ** 0.5) - 2
    transforms = (_TURNED if turned else _TRANSFORMS)[tile]
    kernel = kernel.transpose(1, 2) if turned else kernel
    height, width = (side + 2 * padding - 2 for side in x.shape[2:])
    result = empty((len(x), kernel.shape[2], height, width), x)
    strips = list(_strips(len(x), height, width, tile, kernel.shape[1]))
    steps = _Steps(kernel, bias, transforms, width, strips[0])
    pixels, target = x.permute(0, 2, 3, 1), result.permute(0, 2, 3, 1)
    for pictures, top, bottom in strips:
        padded = steps.padded(len(pixels[pictures]), bottom - top)
        _pad(pixels[pictures], padded, top - padding, padding, mode)
        steps.run(padded, target[pictures, top:bottom])
    return result


class _Strip(NamedTuple):
    """Rows of some pictures, from top to bottom."""

    pictures: slice
    top: int
    bottom: int


def _strips(pictures: int, height: int, width: int, tile: int, channels: int) -> Iterator[_Strip]:
    """All pictures, in parts that make a good number of tiles; none is larger than the first."""
    down, across = -(-height // tile), -(-width // tile)
    wanted = max(_TILES, channels)
    together = max(1, wanted // (down * across))
    strips = max(1, round(down * across / wanted)) if together == 1 else 1
    rows = -(-down // strips) * tile
    for first in range(0, pictures, together):
        for top in range(0, height, rows):
            pictures_here = slice(first, min(first + together, pictures))
            yield _Strip(pictures_here, top, min(top + rows, height))


def _pad(pixels: Tensor, padded: Tensor, first: int, padding: int, mode: str) -> None:
    """Fill ``padded`` (N, h, w + 2 padding, C) from rows ``first`` on of ``pixels`` (N, H, W, C).

    Rows may begin above the picture and end anywhere below it.
    """
    height, width = pixels.shape[1:3]
    start, stop = max(first, 0), min(first + padded.shape[1], height)
    padded[:, start - first : stop - first, padding : padding + width] = pixels[:, start:stop]
    if mode == "reflect":
        padded[:, :, 0], padded[:, :, -1] = padded[:, :, 2], padded[:, :, -3]
        if first < 0:
            padded[:, 0] = padded[:, 2]
        if stop - first < padded.shape[1]:
            padded[:, stop - first] = padded[:, stop - first - 2]
            padded[:, stop - first + 1 :] = 0
        return
    padded[:, :, :padding], padded[:, :, padding + width :] = 0, 0
    padded[:, : start - first], padded[:, stop - first :] = 0, 0


class _Steps:
    """The steps of a convolution, whose memory is used again for each strip.

    Each step reads one of two buffers and writes the other.
    """

    def __init__(
        self,
        kernel: Tensor,
        bias: Tensor | None,
        transforms: Transforms,
        width: int,
        largest: _Strip,
    ) -> None:
        self.kernel, self.bias, self.width = kernel, bias, width
        self.a, self.b = transforms.outputs.to(kernel), transforms.inputs.to(kernel)
        self.tile, self.size = self.a.shape
        self.across = -(-width // self.tile)
        count = largest.pictures.stop - largest.pictures.start
        rows = -(-(largest.bottom - largest.top) // self.tile)
        inputs, outputs = kernel.shape[1:]
        # Behind a picture there is room for tiles that stick out.
        values = self.size**2 * count * rows * self.across * max(inputs, outputs)
        self._buffers = [kernel.new_empty(values + self.tile * inputs) for _ in range(2)]
        values = count * (rows * self.tile + 2) * (width + 2) * inputs
        self._padded = kernel.new_empty(values + self.tile * inputs)

    def padded(self, pictures: int, height: int) -> Tensor:
        """Where to put the pixels of a strip: (N, rows of whole tiles + 2, W + 2, C_in)."""
        rows = -(-height // self.tile) * self.tile + 2
        shape = pictures, rows, self.width + 2, self.kernel.shape[1]
        return _part(self._padded, shape, spare=self.tile * shape[-1])

    def run(self, padded: Tensor, target: Tensor) -> None:
        """From ``padded`` to ``target`` (N, H, W, C_out), which may cut the last tiles."""
        n, (inputs, outputs) = self.size, self.kernel.shape[1:]
        pictures, rows = len(padded), (padded.shape[1] - 2) // self.tile
        tiles = pictures * rows * self.across
        first, second = self._buffers
        columns = self._along_columns(padded, rows, first)
        gathered = _part(second, (n, n, pictures, rows, self.across, inputs))
        gathered.copy_(columns)
        transformed = _multiply(self.b, gathered.view(n, n, -1), first)
        products = _part(second, (n * n, tiles, outputs))
        torch.bmm(transformed.view(n * n, tiles, inputs), self.kernel, out=products)
        halves = _multiply(self.a, products.view(n, n, -1), first)
        whole = _multiply(self.a, halves.transpose(0, 1), second)  # (columns m, rows m, values)
        shape = self.tile, self.tile, pictures, rows, self.across, outputs
        self._write(whole.view(shape).permute(2, 3, 1, 4, 0, 5), target)

    def _along_columns(self, padded: Tensor, rows: int, buffer: Tensor) -> Tensor:
        """B along the columns of each tile: a view (n, n, N, rows, across, C), rows of tiles first.

        Tiles at the right edge stick out into the next row, or behind the end. What stands there
        changes only outputs that are dropped, but it must be finite.
        """
        n, m = self.size, self.tile
        pictures, height, width, channels = padded.shape
        line = width * channels
        result = _part(buffer, (pictures, rows, n, line), spare=m * channels)
        overlapping = padded.as_strided(
            (pictures, rows, n, line), (height * line, m * line, line, 1)
        )
        for picture, out in zip(overlapping, result, strict=True):
            torch.bmm(self.b.expand(rows, n, n), picture, out=out)
        return result.as_strided(
            (n, n, pictures, rows, self.across, channels),
            (line, channels, rows * n * line, n * line, m * channels, 1),
        )

    def _write(self, tiles: Tensor, target: Tensor) -> None:
        """Tiles (N, down, m, across, m, C) to pixels (N, H, W, C), which may cut the last ones."""
        m = self.tile
        for down, height in _whole_and_rest(target.shape[1], m):
            for across, width in _whole_and_rest(target.shape[2], m):
                part = target[:, down.start * m :][:, : (down.stop - down.start) * height]
                part = part[:, :, across.start * m :][:, :, : (across.stop - across.start) * width]
                shape = len(part), -1, height, across.stop - across.start, width, part.shape[3]
                part = part.view(shape)
                source = tiles[:, down, :height, across, :width]
                if self.bias is None:
                    part.copy_(source)
                else:
                    torch.add(source, self.bias, out=part)


def _whole_and_rest(size: int, tile: int) -> Iterator[tuple[slice, int]]:
    """Which tiles are whole, and which is cut; and how much of each there is."""
    whole, rest = divmod(size, tile)
    if whole:
        yield slice(0, whole), tile
    if rest:
        yield slice(whole, whole + 1), rest


def _part(buffer: Tensor, shape: tuple[int, ...], spare: int = 0) -> Tensor:
    """The beginning of ``buffer`` as a tensor of ``shape``, and zeros in ``spare`` values after."""
    values = math.prod(shape)
    if spare:
        buffer[values : values + spare] = 0
    return buffer[:values].view(shape)


def _multiply(matrix: Tensor, x: Tensor, buffer: Tensor) -> Tensor:
    """``matrix`` times each of ``x`` (b, n, values), in ``buffer``."""
    result = _part(buffer, (len(x), len(matrix), x.shape[2]))
    torch.bmm(matrix.expand(len(x), *matrix.shape), x, out=result)
    return result
