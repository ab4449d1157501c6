"""A style without a training: what a network of any painting predicts for one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.pixels import resize
from faststyle.networks.any_painting import AnyPaintingNetwork
from faststyle.networks.conditional import with_rows
from faststyle.styles.metadata import IDENTITY, StyleMetadata
from faststyle.styles.style_file import TrainedStyle

#: The short side, in pixels, at which strokes of usual size are measured.
PAINTING_SIZE = 256
#: A painting of fewer pixels a side has no strokes.
_MIN_SIDE = 32
#: Gray levels that colors of a painting have to differ by.
_MIN_CONTRAST = 4 / 255


@dataclass(frozen=True)
class Painting:
    """A picture to paint like: ``pixels`` (3, H, W) in [0, 1], at the size of its strokes.

    ``weight``: its share in a style of several. ``metadata``: what is known of it.
    """

    pixels: Tensor
    metadata: StyleMetadata
    weight: float = 1.0

    @classmethod
    def of_pixels(cls, pixels: Tensor) -> "Painting":
        """One of which nothing else is known, with strokes of usual size.

        Raises ``UserError`` as :func:`check_sides` and :func:`check_colors`.
        """
        check_sides("the painting", pixels.shape[-2:])
        check_colors("the painting", pixels)
        metadata = StyleMetadata("painting", style_size=PAINTING_SIZE)
        return cls(resize(pixels, PAINTING_SIZE), metadata)


def check_sides(name: str, sides: Sequence[int]) -> None:
    """Raise ``UserError`` if a painting of such a height and width is too small to have strokes."""
    if min(sides) < _MIN_SIDE:
        raise UserError(f"{name} is too small to paint like: {_MIN_SIDE} pixels a side")


def check_colors(name: str, pixels: Tensor) -> None:
    """Raise ``UserError`` if a painting's ``pixels`` (3, H, W; in [0, 1]) are of one color."""
    if float((pixels.amax((1, 2)) - pixels.amin((1, 2))).max()) < _MIN_CONTRAST:
        raise UserError(f"{name} is of one color: there is nothing to paint like")


@torch.no_grad()
def predict_style(style: TrainedStyle, *styles: Sequence[Painting]) -> TrainedStyle:
    """The style of a painting, or of several together, as a file of it and the photo would be.

    So it is applied, mixed with the photo, exported and saved as any other. Of several ``styles``
    each has paintings of its own. Raises ``UserError`` if ``style`` predicts nothing, or if all
    weights are 0.
    """
    network = style.network
    if not isinstance(network, AnyPaintingNetwork):
        raise UserError(f"{style.name} is a style by itself: a painting is for --ckpt any")
    rows = [_predict_row(network, paintings) for paintings in styles]
    predicted = with_rows(network.transform, torch.stack([*rows, network.photo_row]))
    together = [_describe(paintings) for paintings in styles]
    metadata = replace(
        style.metadata,
        style="-".join(each.name for each in together),
        init=style.metadata.style,
        styles=(*together, StyleMetadata(IDENTITY)),
    )
    return TrainedStyle(predicted, metadata.of_network(predicted))


def _predict_row(network: AnyPaintingNetwork, paintings: Sequence[Painting]) -> Tensor:
    """The mean (K,) of what is predicted for each, by its weight."""
    total = sum(each.weight for each in paintings)
    if total <= 0:
        raise UserError("the weights of the paintings must add up to more than 0")
    rows = [network.predict(each.pixels[None])[0] * (each.weight / total) for each in paintings]
    return torch.stack(rows).sum(0)


def _describe(paintings: Sequence[Painting]) -> StyleMetadata:
    return replace(
        paintings[0].metadata,
        style="-".join(dict.fromkeys(each.metadata.name for each in paintings)),
        style_sha256=tuple(digest for each in paintings for digest in each.metadata.style_sha256),
    )
