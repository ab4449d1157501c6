"""The perceptual loss of Johnson et al. (2016), composed from named layers and weights."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError, nearest
from faststyle.encoder import Encoder
from faststyle.losses.terms import (
    SCALES,
    STATISTICS,
    feature_distance,
    statistic_distance,
    style_statistics,
    total_variation,
)


class StyleImage(NamedTuple):
    """One picture of a style: (3, H, W) in [0, 1], and its share in the mixture."""

    pixels: Tensor
    weight: float = 1.0


class PerceptualLoss(nn.Module):
    """Content, style and total-variation terms of a picture against a photo and a style.

    L = content_weight * sum_l content[l] C_l + style_weight * sum_l style[l] S_l + tv_weight * TV

    where C_l is :func:`feature_distance` at layer l and S_l is the sum of
    :func:`statistic_distance` over the layer's :func:`style_statistics`, each averaged over the
    batch. A layer of weight 0 is not computed.

    Args:
        encoder: the loss network.
        content: layer -> weight.
        style: layer -> weight.
        content_weight: of all content layers together.
        style_weight: of all style layers together.
        tv_weight: of the total variation.
        scale: ``relative`` divides each term by its target's energy, so that one weight means the
            same across encoders, layers, sizes and styles; ``paper`` is Johnson et al.'s own.
        statistic: ``gram``, ``covariance`` or ``moments``; see :func:`style_statistics`.

    Raises:
        UserError: an unknown layer, scale or statistic; a weight that is negative.
    """

    def __init__(
        self,
        encoder: Encoder,
        content: Mapping[str, float],
        style: Mapping[str, float],
        content_weight: float = 1.0,
        style_weight: float = 1.0,
        tv_weight: float = 0.0,
        scale: str = "relative",
        statistic: str = "gram",
    ) -> None:
        super().__init__()
        if scale not in SCALES:
            raise UserError(f'unknown loss.scale "{scale}": {nearest(scale, SCALES)}')
        if statistic not in STATISTICS:
            raise UserError(
                f'unknown loss.statistic "{statistic}": {nearest(statistic, STATISTICS)}'
            )
        self.encoder = encoder
        self.content = _active(content, content_weight, "content")
        self.style = _active(style, style_weight, "style")
        encoder.check_layers([*content, *style])
        if tv_weight < 0:
            raise UserError(f"loss.tv_weight is {tv_weight}; it cannot be negative")
        self.tv_weight = float(tv_weight)
        self.scale = scale
        self.statistic = statistic

    def set_style(self, images: Sequence[StyleImage]) -> None:
        """Compute the style targets, once: the weighted mean of each picture's statistics."""
        total = sum(image.weight for image in images)
        if total <= 0:
            raise UserError("the weights of the style images must add up to more than 0")
        targets: dict[str, list[Tensor]] = {}
        for image in images:
            statistics = self._style_statistics(image.pixels[None])
            for name, value in statistics.items():
                targets.setdefault(name, []).append(value * (image.weight / total))
        for name, values in targets.items():
            self.register_buffer(name, torch.stack(values).sum(0), persistent=False)

    @torch.no_grad()
    def content_targets(self, photos: Tensor) -> dict[str, Tensor]:
        """Features of the photos (N, 3, H, W) at the content layers, no deeper and no graph."""
        features: dict[str, Tensor] = self.encoder(photos, self.content)
        return features

    def forward(self, images: Tensor, content_targets: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Every weighted term of the loss as a scalar; ``loss`` is their sum.

        Args:
            images: (N, 3, H, W), RGB in [0, 1].
            content_targets: what :meth:`content_targets` gave for the photos, same N, H and W.

        Returns:
            ``loss``, ``content``, ``style``, ``tv`` and each layer's part, as ``style/relu1_2``.
        """
        return self.terms(images, self.features(images), content_targets)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """Features of ``images`` (N, 3, H, W) at all layers of the loss, and no deeper."""
        features: dict[str, Tensor] = self.encoder(images, {*self.content, *self.style})
        return features

    def terms(
        self,
        images: Tensor,
        features: Mapping[str, Tensor],
        content_targets: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """What :meth:`forward` returns, from ``features`` that :meth:`features` gave."""
        parts: dict[str, Tensor] = {}
        for layer, weight in self.content.items():
            distance = feature_distance(features[layer], content_targets[layer], self.scale)
            parts[f"content/{layer}"] = weight * distance.mean()
        for layer, weight in self.style.items():
            parts[f"style/{layer}"] = weight * self._style_distance(layer, features[layer])
        terms = {kind: _sum(parts, kind, images) for kind in ("content", "style")}
        if self.tv_weight:
            terms["tv"] = self.tv_weight * total_variation(images, self.scale).mean()
        return {"loss": sum(terms.values(), images.new_zeros(())), **terms, **parts}

    def _style_distance(self, layer: str, features: Tensor) -> Tensor:
        distances = [
            statistic_distance(value, self.get_buffer(_target_name(layer, index)), self.scale)
            for index, value in enumerate(style_statistics(features, self.statistic))
        ]
        return torch.stack(distances).sum(0).mean()

    @torch.no_grad()
    def _style_statistics(self, images: Tensor) -> dict[str, Tensor]:
        features = self.encoder(images, self.style)
        return {
            _target_name(layer, index): value
            for layer in self.style
            for index, value in enumerate(style_statistics(features[layer], self.statistic))
        }


def _target_name(layer: str, index: int) -> str:
    return f"style_target_{layer}_{index}"


def _sum(parts: Mapping[str, Tensor], kind: str, like: Tensor) -> Tensor:
    values = [value for name, value in parts.items() if name.startswith(f"{kind}/")]
    return torch.stack(values).sum() if values else like.new_zeros((), dtype=torch.float32)


def _active(weights: Mapping[str, float], factor: float, kind: str) -> dict[str, float]:
    """Layers of the term that count, with the term's own weight multiplied in."""
    for name, value in (*weights.items(), (f"{kind}_weight", factor)):
        if value < 0:
            raise UserError(f"loss {kind}: the weight of {name} is {value}; it cannot be negative")
    return {layer: float(w) * float(factor) for layer, w in weights.items() if w * factor > 0}
