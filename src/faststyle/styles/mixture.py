"""Which of the styles that a file holds, or what mixture of them."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from faststyle.core.errors import UserError, nearest
from faststyle.networks import bake_style
from faststyle.styles.metadata import IDENTITY, StyleMetadata
from faststyle.styles.style_file import TrainedStyle

#: A style's name -> its weight, 0 or more; only their proportions count.
StyleWeights = Mapping[str, float]

#: Parts that the name of a mixture has at most, since files are called by it.
_NAMED = 4


def parse_mix(text: str) -> dict[str, float]:
    """``starry_night``, or ``starry_night=0.6,the_scream=0.4``; a name alone has weight 1.

    Raises ``UserError`` if a weight is no number, or a name is missing or there twice.
    """
    mix: dict[str, float] = {}
    for part in text.split(","):
        name, given, weight = (each.strip() for each in part.partition("="))
        if not name:
            raise UserError(f'mixture "{text}": name styles, as starry_night=0.6,the_scream=0.4')
        if name in mix:
            raise UserError(f'mixture "{text}" has {name} twice')
        try:
            mix[name] = float(weight) if given else 1.0
        except ValueError:
            raise UserError(f'mixture "{text}": "{weight}" is not a number') from None
    return mix


def choose(style: TrainedStyle, mix: StyleWeights, stroke: float = 1.0) -> TrainedStyle:
    """The one style that a mixture of several in a file is, or that ``style`` is already.

    Raises ``UserError`` as :func:`weight_vector`; for no mixture of several styles, or one of a
    single one; for a network that takes any painting.
    """
    metadata = style.metadata
    check_has_style(metadata)
    if not metadata.styles:
        check_single(metadata, mix, stroke)
        return style
    network = bake_style(style.network, weight_vector(metadata, mix, stroke))
    return TrainedStyle(network, mixture_metadata(metadata, mix))


def single_styles(style: TrainedStyle) -> Iterator[tuple[str, TrainedStyle]]:
    """Each of several styles by itself, with its label; see :meth:`StyleMetadata.labels`."""
    metadata = style.metadata
    one_hot = torch.eye(len(metadata.styles))
    for label, one, weights in zip(metadata.labels(), metadata.styles, one_hot, strict=True):
        alone = mixture_metadata(replace(metadata, styles=(one,)), {one.name: 1.0})
        yield label, TrainedStyle(bake_style(style.network, weights), alone)


def check_has_style(metadata: StyleMetadata) -> None:
    """Raise ``UserError`` for a file that predicts styles, and has none of its own."""
    if metadata.takes_paintings:
        raise UserError(
            f"{metadata.name} takes any painting and has no style of its own: faststyle stylize"
            " --painting mine.jpg, which --save NAME keeps as a style"
        )


def check_single(metadata: StyleMetadata, mix: StyleWeights, stroke: float) -> None:
    """Raise ``UserError`` if a mixture, or larger strokes, are asked of a file of one style."""
    if mix or stroke != 1:
        asked = "others to mix it with" if mix else "other strokes"
        raise UserError(f"{metadata.name} is a file of one style at one size: it has no {asked}")


def weight_vector(metadata: StyleMetadata, mix: StyleWeights, stroke: float = 1.0) -> Tensor:
    """The weight of each of the styles in a mixture of them, float32 (S,), which add up to 1.

    Args:
        metadata: what the file says of them.
        mix: names of paintings and their weights.
        stroke: how large their strokes are, 1 being those of the size that each painting has first.
            Between two sizes at which it was trained, both are mixed by the logarithm.

    Raises:
        UserError: no name, an unknown one, weights that are negative, no numbers, or all 0; strokes
            that a painting was not trained for.
    """
    sizes = _sizes(metadata)
    _check(metadata, mix, sizes)
    weights, total = torch.zeros(len(metadata.styles)), sum(mix.values())
    for name, weight in mix.items():
        for number, part in _interpolate_sizes(name, sizes[name], stroke).items():
            weights[number] += part * weight / total
    return weights


def trained_stroke(metadata: StyleMetadata, mix: StyleWeights, stroke: float) -> float:
    """The nearest to ``stroke`` that all paintings of a mixture were trained for.

    1 for a file of one style. Raises ``UserError`` as :func:`weight_vector`.
    """
    if not metadata.styles:
        return 1.0
    sizes = _sizes(metadata)
    _check(metadata, mix, sizes)
    low, high = 0.0, math.inf
    for name in mix.keys() - {IDENTITY}:
        usual = next(iter(sizes[name]))
        known = [size / usual for size in sizes[name] if size] if usual else [1.0]
        low, high = max(low, min(known)), min(high, max(known))
    return min(max(stroke, low), high)


def mixture_metadata(metadata: StyleMetadata, mix: StyleWeights) -> StyleMetadata:
    """The metadata of a mixture, as if it had been trained alone."""
    first = {style.name: style for style in reversed(metadata.styles)}
    chosen = [first[name] for name, weight in mix.items() if weight]
    total = sum(mix.values())
    parts = [f"{name}-{weight / total:.2g}" for name, weight in mix.items() if weight]
    if len(parts) > _NAMED:
        parts[_NAMED:] = [f"and-{len(parts) - _NAMED}-more"]
    only = chosen[0] if len(chosen) == 1 else StyleMetadata("-".join(parts))
    network = metadata.network
    painting: dict[str, Any] = {}
    for key in ("title", "artist", "year", "license"):
        texts = dict.fromkeys(getattr(style, key) for style in chosen)
        painting[key] = " and ".join(filter(None, texts)) or None
    return replace(
        metadata,
        style=only.style,
        style_sha256=only.style_sha256,
        style_size=only.style_size,
        styles=(),
        network=network and network._replace(options={**network.options, "styles": 1}),
        **painting,
    )


def _sizes(metadata: StyleMetadata) -> dict[str, dict[int, int]]:
    """Name of a painting -> the size at which it was trained -> the style's number."""
    sizes: dict[str, dict[int, int]] = defaultdict(dict)
    for number, style in enumerate(metadata.styles):
        sizes[style.name].setdefault(style.style_size or 0, number)
    return sizes


def _check(metadata: StyleMetadata, mix: StyleWeights, names: Iterable[str]) -> None:
    known = sorted(names)
    if not mix:
        choices = ", ".join(known)
        raise UserError(
            f"{metadata.name} is a file of several styles: name one, as FILE:{known[0]};"
            f" it has {choices}"
        )
    for name, weight in mix.items():
        if name not in known:
            raise UserError(f'{metadata.name} holds no style "{name}": {nearest(name, known)}')
        if not 0 <= weight < math.inf:
            raise UserError(f"the weight of {name} is {weight}; it must be a number, 0 or more")
    if not 0 < sum(mix.values()) < math.inf:
        raise UserError("the weights of a mixture are all 0, or too large")


def _interpolate_sizes(name: str, sizes: Mapping[int, int], stroke: float) -> dict[int, float]:
    """Number of a style -> its part of a painting, for strokes of that size; they add up to 1."""
    usual = next(iter(sizes))
    if stroke == 1 or name == IDENTITY:
        return {sizes[usual]: 1.0}
    known = sorted(size for size in sizes if size)
    if len(known) < 2 or not usual:
        raise UserError(f"{name} was trained at one size: its strokes have no others")
    size = stroke * usual
    if not known[0] <= size <= known[-1]:
        low, high = known[0] / usual, known[-1] / usual
        raise UserError(f"strokes of {name} are from {low:.2f} to {high:.2f} and not {stroke:g}")
    above = next(each for each in known[1:] if size <= each)
    below = known[known.index(above) - 1]
    part = math.log(size / below) / math.log(above / below)
    return {sizes[below]: 1 - part, sizes[above]: part}
