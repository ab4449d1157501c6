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
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from faststyle.networks.cpu import empty

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
        # Each row of G, flipped, is a multiple of the row of the inverse point.
        flipped, norm = self.weights.flip(1), self.weights.norm(dim=1)
        products = flipped @ self.weights.T
        partner = (products / (flipped.norm(dim=1)[:, None] * norm)).abs().argmax(1)
        scale = products.gather(1, partner[:, None]) / self.weights.square().sum(1)[partner, None]
        order = partner.argsort()
        return Transforms(self.outputs[:, order], self.weights, (scale * self.inputs)[order])


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
    """The size of tiles, 4 or 6, that makes fewer products of ``height`` x ``width`` outputs.

    Where they are equal it is 4, which loses fewer digits.
    """
    return min(_POINTS, key=lambda m: -(-height // m) * -(-width // m) * (m + 2) ** 2)


def transform_weights(weight: Tensor, tile: int) -> Tensor:
    """G w G' of a kernel (C_out, C_in, 3, 3), as (n^2, C_in, C_out)."""
    g = _TRANSFORMS[tile].weights
    both = torch.kron(g, g).to(weight)
    outputs, inputs = weight.shape[:2]
    return (both @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(len(both), inputs, outputs)


def convolve(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    padding: int,
    mode: str,
    turned: bool = False,
) -> Tensor:
    """A 3x3 convolution of ``x`` (N, C_in, H, W) by weights that are transformed.

    ``x`` is float32 or float64, in channels-last layout; ``kernel`` (n^2, C_in, C_out) comes from
    :func:`transform_weights`; ``bias`` is (C_out,). ``mode`` pads by ``reflect``, of which
    ``padding`` is 1, or by ``constant`` zeros. If ``turned``, the kernel is turned by 180 degrees
    and goes from its outputs to its inputs, the way of gradients.

    Returns (N, C_out, H + 2 padding - 2, W + 2 padding - 2) in channels-last layout.
    """
    tile = int(len(kernel) ** 0.5) - 2
    transforms = (_TURNED if turned else _TRANSFORMS)[tile]
    a, b = transforms.outputs.to(kernel), transforms.inputs.to(kernel)
    kernel = kernel.transpose(1, 2) if turned else kernel
    height, width = (side + 2 * padding - 2 for side in x.shape[2:])
    result = empty((len(x), kernel.shape[2], height, width), x)
    pixels, target = x.permute(0, 2, 3, 1), result.permute(0, 2, 3, 1)
    across = -(-width // tile)
    strips = list(_strips(len(x), height, width, tile, kernel.shape[1]))
    pictures, _, rows = strips[0]  # none is larger
    tiles = len(pixels[pictures]) * -(-rows // tile) * across
    # Each step reads one of two buffers, which stay in the cache, and writes the other.
    buffers = kernel.new_empty(2, len(kernel) * tiles * max(kernel.shape[1:]))
    for pictures, top, bottom in strips:
        size = -(-(bottom - top) // tile) * tile + 2, across * tile + 2
        padded = _pad(pixels[pictures], top - padding, size, padding, mode)
        made = _convolve_tiles(padded, kernel, a, b, buffers)
        _write(made, bias, target[pictures, top:bottom])
    return result


def _strips(
    pictures: int, height: int, width: int, tile: int, channels: int
) -> Iterator[tuple[slice, int, int]]:
    """Pictures and their rows from, to: all, in parts that make a good number of tiles."""
    down, across = -(-height // tile), -(-width // tile)
    wanted = max(_TILES, channels)
    together = max(1, wanted // (down * across))
    strips = max(1, round(down * across / wanted)) if together == 1 else 1
    rows = -(-down // strips) * tile
    for first in range(0, pictures, together):
        for top in range(0, height, rows):
            yield slice(first, first + together), top, min(top + rows, height)


def _pad(pixels: Tensor, first: int, size: tuple[int, int], padding: int, mode: str) -> Tensor:
    """Rows of (N, H, W, C) from ``first`` on, which may lie above it, as (N, *size, C).

    What lies beyond the padding is 0: only outputs that are dropped depend on it.
    """
    height, width = pixels.shape[1:3]
    start, stop = max(first, 0), min(first + size[0], height)
    above, below = start - first, first + size[0] - stop
    padded = pixels.new_empty(len(pixels), *size, pixels.shape[3])
    padded[:, :, :padding], padded[:, :, padding + width :] = 0, 0
    padded[:, :above], padded[:, size[0] - below :] = 0, 0
    padded[:, above : size[0] - below, padding : padding + width] = pixels[:, start:stop]
    if mode == "reflect":
        padded[:, :, 0], padded[:, :, width + 1] = padded[:, :, 2], padded[:, :, width - 1]
        if above:
            padded[:, 0] = padded[:, 2]
        if below:
            padded[:, -below] = padded[:, -below - 2]
    return padded


def _convolve_tiles(
    padded: Tensor, kernel: Tensor, a: Tensor, b: Tensor, buffers: Tensor
) -> Tensor:
    """Tiles (N, down, m, across, m, C_out) of (N, down * m + 2, across * m + 2, C_in)."""
    (m, n), (pictures, height, width, channels), (first, second) = a.shape, padded.shape, buffers
    rows, across = (height - 2) // m, (width - 2) // m
    # Overlapping rows of tiles need no copy: B goes along the columns of pixels as they lie.
    lines = padded.unfold(1, n, m).permute(0, 1, 4, 2, 3).reshape(pictures * rows, n, -1)
    columns = _multiply(b, lines, first).view(pictures, rows, n, width, channels).unfold(3, n, m)
    columns = columns.permute(2, 5, 0, 1, 3, 4)
    gathered = _part(second, columns.shape).copy_(columns)
    transformed = _multiply(b, gathered.view(n, n, -1), first).view(n * n, -1, channels)
    products = _part(second, (n * n, transformed.shape[1], kernel.shape[2]))
    torch.bmm(transformed, kernel, out=products)
    halves = _multiply(a, products.view(n, n, -1), first)
    made = _multiply(a, halves.transpose(0, 1), second)  # (columns m, rows m, values)
    return made.view(m, m, pictures, rows, across, -1).permute(2, 3, 1, 4, 0, 5)


def _write(tiles: Tensor, bias: Tensor | None, target: Tensor) -> None:
    """Tiles (N, down, m, across, m, C) to pixels (N, H, W, C), which may cut the last ones."""
    m = tiles.shape[2]
    for down, height in _whole_and_rest(target.shape[1], m):
        for across, width in _whole_and_rest(target.shape[2], m):
            source = tiles[:, down, :height, across, :width]
            part = target.narrow(1, down.start * m, source.shape[1] * height)
            part = part.narrow(2, across.start * m, source.shape[3] * width).view(source.shape)
            torch.add(source, 0 if bias is None else bias, out=part)


def _whole_and_rest(size: int, tile: int) -> Iterator[tuple[slice, int]]:
    """Which tiles are whole, and which is cut; and how much of each there is."""
    whole, rest = divmod(size, tile)
    if whole:
        yield slice(0, whole), tile
    if rest:
        yield slice(whole, whole + 1), rest


def _part(buffer: Tensor, shape: Sequence[int]) -> Tensor:
    return buffer[: math.prod(shape)].view(shape)


def _multiply(matrix: Tensor, x: Tensor, buffer: Tensor) -> Tensor:
    """``matrix`` times each of ``x`` (b, n, values), in ``buffer``."""
    result = _part(buffer, (len(x), len(matrix), x.shape[2]))
    torch.bmm(matrix.expand(len(x), *matrix.shape), x, out=result)
    return result
