"""The losses that a trained style is measured by: its own, and one on layers of Gatys et al."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from omegaconf import DictConfig

from faststyle.config.compose import instantiate
from faststyle.core.errors import UserError
from faststyle.encoder import LossNetwork
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.styles import StyleMetadata

log = logging.getLogger(__name__)


def style_overrides(metadata: StyleMetadata, given: Sequence[str]) -> list[str]:
    """What composes the settings that a style was trained with, ``given`` ones taking over."""
    named = [f"style={metadata.style}"] if metadata.style else []
    sized = [f"style.size={metadata.style_size}"] if metadata.style_size else []
    keys = {text.partition("=")[0] for text in given}
    return [text for text in (*named, *sized) if text.partition("=")[0] not in keys] + list(given)


def build_loss(cfg: DictConfig, metadata: StyleMetadata) -> PerceptualLoss:
    """The loss of ``cfg``, with the layers and weights that the style was trained with.

    A checkpoint may be anybody's: of what it says of its loss, only numbers, names of layers, and
    registered names are taken. Raises ``UserError`` if it does not fit.
    """
    encoder, style = instantiate(cfg.encoder), instantiate(cfg.style)
    loss = _described(metadata.loss, encoder) if metadata.loss else instantiate(cfg.loss, encoder)
    if metadata.style_sha256 not in ((), style.digests()):
        log.warning("the painting is another file than the one that the style was trained on")
    loss.set_style([StyleImage(pixels, weight) for pixels, weight in style.load()])
    return loss.to(memory_format=torch.channels_last)


def _described(description: Mapping[str, Any], encoder: LossNetwork) -> PerceptualLoss:
    """The loss that :meth:`PerceptualLoss.describe` described; older files have a target too."""
    options = {key: value for key, value in description.items() if key != "_target_"}
    try:
        return PerceptualLoss(encoder, **options)
    except (TypeError, ValueError, AttributeError):
        raise UserError(f"the style's loss is not known here: {description}") from None


def gatys_loss(
    cfg: DictConfig, encoder: LossNetwork, images: Sequence[StyleImage]
) -> PerceptualLoss | None:
    """A loss on layers that no style of ours is trained on; none where the encoder lacks them."""
    try:
        encoder.check_layers([*cfg.loss.content, *cfg.loss.style])
    except UserError as error:
        log.info("layers that were not trained on are left out: %s", error)
        return None
    loss: PerceptualLoss = instantiate(cfg.loss, encoder)
    loss.set_style(images)
    return loss.to(memory_format=torch.channels_last)
