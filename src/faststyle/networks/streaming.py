"""A transform network on a picture of any size, in bounded memory and with the same result.

Instance normalization sees the whole picture, so a picture cannot simply be cut into parts: each
would come out in colors of its own. Here each layer's statistics are taken from the whole picture,
a strip of rows at a time, before the next layer is computed. What is kept of the picture are the
features of the residual blocks, 4 * width channels at a quarter of its height and width; all that
is larger is computed anew for each strip. That is 2.3 times the arithmetic of one pass.
"""

import copy
from collections.abc import Callable, Iterator
from typing import TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.networks import fast
from faststyle.networks.instance_norm import moments
from faststyle.networks.transform import TransformNetwork

#: Rows of pixels for each row of features.
SCALE = 4
# Rows that a part of the network looks at beside those it makes, rounded up to its input's grid.
_ENCODER_HALO = 8  # pixels: 9x9, then 3x3 at strides 1 and 2, is 4 + 1 + 2
_BLOCK_HALO = 2  # features: two 3x3
_DECODER_HALO = 3  # features: 3x3 here, 3x3 at half and 9x9 at a quarter of its scale

# One for the statistics of each normalization, and one for the result.
_ENCODER_PASSES, _BLOCK_PASSES, _DECODER_PASSES = 4, 3, 3

#: Rows from, to (of pixels or features) -> the strip (1, C, to - from, W).
Read = Callable[[int, int], Tensor]


def applies(network: nn.Module) -> TypeGuard[TransformNetwork]:
    """Whether :func:`stream` computes this network."""
    if not isinstance(network, TransformNetwork):
        return False
    options = network.options
    return (options["norm"], options["upsample"]) == ("instance", "resize") and options[
        "padding"
    ] in ("reflect", "zero")


@torch.no_grad()
def stream(
    network: TransformNetwork,
    read: Read,
    height: int,
    width: int,
    rows: int,
    dtype: torch.dtype,
    after_each: Callable[[], None] = lambda: None,
) -> Iterator[tuple[int, Tensor]]:
    """What ``network`` makes of a picture, strip by strip from the top.

    Args:
        network: one that :func:`applies` to; it is left as it is.
        read: gives rows of the picture, (1, 3, to - from, W) in [0, 1].
        height: of the picture, 8 or more.
        width: of the picture, 8 or more.
        rows: how many rows of pixels to compute at a time.
        dtype: what convolutions compute in.
        after_each: called whenever a strip has been computed, :func:`strips` times.

    Yields:
        The first row of each strip, and the strip, (1, 3, rows, W) in [0, 1].
    """
    network = copy.deepcopy(network)
    rows = _feature_rows(rows)

    def read_padded(start: int, stop: int) -> Tensor:
        strip = read(start, min(stop, height)).to(dtype)
        right, below = -width % SCALE, max(0, stop - height)
        strip = F.pad(strip, (0, right, 0, below), mode="replicate") if right or below else strip
        after_each()
        return strip.contiguous(memory_format=torch.channels_last)

    features = _encode(network, read_padded, -(-height // SCALE), rows)
    exact = torch.promote_types(dtype, torch.float32)
    for block in network.blocks:
        _apply_block(block, features, rows, after_each)
    for start, strip in _decode(network, features, rows, after_each):
        yield start, network.activate(strip[..., : height - start, :width].to(exact))


def strips(network: TransformNetwork, height: int, rows: int) -> int:
    """How many strips :func:`stream` computes, all passes together."""
    passes = _ENCODER_PASSES + _BLOCK_PASSES * len(network.blocks) + _DECODER_PASSES
    return passes * -(-height // (SCALE * _feature_rows(rows)))


def _feature_rows(rows: int) -> int:
    return max(_BLOCK_HALO, rows // SCALE)


def _encode(network: TransformNetwork, read: Read, height: int, rows: int) -> Tensor:
    """The features (1, C, ``height``, W / 4) that the residual blocks begin with."""
    stages = (network.stem, network.down1, network.down2)
    spans = _spans(SCALE * height, SCALE * rows, _ENCODER_HALO)

    def through(x: Tensor, count: int) -> Tensor:
        for stage in stages[:count]:
            x = fast.convolve(stage[0], x).relu_()
        return x

    for depth, (conv, norm, _) in enumerate(stages):
        strips = (
            _inner(fast.convolve(conv, through(read(*span.outer), depth)), span, 1, 2**depth)
            for span in spans
        )
        _fold(conv, norm, strips)
    features: Tensor | None = None
    for span in spans:
        strip = _inner(through(read(*span.outer), len(stages)), span, 1, SCALE)
        if features is None:
            size = (1, strip.shape[1], height, strip.shape[3])
            features = strip.new_empty(size).contiguous(memory_format=torch.channels_last)
        start = span.inner[0] // SCALE
        features[:, :, start : start + strip.shape[2]] = strip
    assert features is not None
    return features


def _apply_block(
    block: nn.Module, features: Tensor, rows: int, after_each: Callable[[], None]
) -> None:
    """Replace ``features`` by what a residual block makes of them."""
    spans = _spans(features.shape[2], rows, _BLOCK_HALO)
    conv1, conv2 = block.conv1, block.conv2

    def second(x: Tensor) -> Tensor:
        return fast.convolve(conv2, fast.convolve(conv1, x).relu_())

    for conv, norm, run in (
        (conv1, block.norm1, lambda x: fast.convolve(conv1, x)),
        (conv2, block.norm2, second),
    ):
        _fold(conv, norm, (_inner(run(_part(features, s, after_each)), s) for s in spans))
    above = features[:, :, :0]
    for span in spans:
        # Rows above have been replaced already; the next strip needs them as they were.
        (start, stop), (_, last) = span.inner, span.outer
        old = torch.cat([above, features[:, :, start:last]], dim=2)
        above = features[:, :, max(start, stop - _BLOCK_HALO) : stop].clone()
        features[:, :, start:stop] += _inner(second(old), span)
        after_each()


def _decode(
    network: TransformNetwork, features: Tensor, rows: int, after_each: Callable[[], None]
) -> Iterator[tuple[int, Tensor]]:
    """The picture before the output's non-linearity, as first rows and strips."""
    spans = _spans(features.shape[2], rows, _DECODER_HALO)
    up1, up2 = network.up1, network.up2

    def part(span: _Span) -> Tensor:
        return _part(features, span, after_each)

    def first(x: Tensor) -> Tensor:
        return fast.resize_convolve(up1[1], x)

    def second(x: Tensor) -> Tensor:
        return fast.resize_convolve(up2[1], first(x).relu_())

    _fold(up1[1], up1[2], (_inner(first(part(s)), s, 2) for s in spans))
    _fold(up2[1], up2[2], (_inner(second(part(s)), s, 4) for s in spans))
    for span in spans:
        picture = fast.convolve_pairs(network.head, second(part(span)).relu_())
        yield SCALE * span.inner[0], _inner(picture, span, SCALE)


class _Span:
    """Rows to be made, and those that have to be seen for them."""

    def __init__(self, start: int, stop: int, height: int, halo: int) -> None:
        self.inner = (start, stop)
        self.outer = (max(0, start - halo), min(height, stop + halo))


def _spans(height: int, rows: int, halo: int) -> list[_Span]:
    starts = range(0, height, rows)
    return [_Span(start, min(height, start + rows), height, halo) for start in starts]


def _part(features: Tensor, span: _Span, after_each: Callable[[], None]) -> Tensor:
    after_each()
    return features[:, :, slice(*span.outer)]


def _inner(result: Tensor, span: _Span, larger: int = 1, smaller: int = 1) -> Tensor:
    """Of what became of the outer rows, at another scale, that of the inner ones."""
    above = (span.inner[0] - span.outer[0]) * larger // smaller
    count = (span.inner[1] - span.inner[0]) * larger // smaller
    return result[:, :, above : above + count]


def _fold(conv: nn.Module | Tensor, norm: nn.Module | Tensor, strips: Iterator[Tensor]) -> None:
    """Make ``norm``, by the statistics of all ``strips`` together, a part of ``conv``."""
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.InstanceNorm2d)
    assert conv.bias is not None
    count = 0
    mean = conv.bias.new_zeros(conv.out_channels, dtype=torch.float64)
    squares = mean.clone()
    for strip in strips:
        part_mean, part_variance = moments(strip)
        pixels = strip.shape[2] * strip.shape[3]
        # Chan, Golub and LeVeque (1979): sums of squares of parts, about the mean of all.
        count += pixels
        offset = part_mean - mean
        mean += offset * (pixels / count)
        squares += part_variance * pixels + offset.square() * (pixels * (count - pixels) / count)
    factor = norm.weight / (squares / count + norm.eps).sqrt()
    conv.weight.copy_(conv.weight * factor.view(-1, 1, 1, 1))
    conv.bias.copy_((conv.bias - mean) * factor + norm.bias)
