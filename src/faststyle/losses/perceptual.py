"""The perceptual loss of Johnson et al. (2016), composed from named layers and weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.encoder import LossNetwork
from faststyle.losses.grid import grid_energy
from faststyle.losses.normalization import NORMALIZATIONS, LossNormalization
from faststyle.losses.registry import choose, name_of
from faststyle.losses.statistics import STATISTICS, Statistic
from faststyle.losses.terms import LossTerms

#: Layer -> its statistics, each (N, ...), or (1, ...) for a style that all pictures share.
StyleStatistics = Mapping[str, tuple[Tensor, ...]]


class StyleImage(NamedTuple):
    """One picture of a style: (3, H, W) in [0, 1], and its share in the mixture."""

    pixels: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class Representation:
    """What the loss sees of a picture, or wants to see in it (Gatys et al., 2016, section 2).

    ``content``: layer -> features (N, C, H, W). ``style``: layer -> its statistics.
    """

    content: Mapping[str, Tensor]
    style: StyleStatistics


class PerceptualLoss(nn.Module):
    """What a picture lacks of a photo's content and of a style, and what it should not have.

    L = content_weight * sum_l content[l] C_l + style_weight * sum_l style[l] S_l
        + tv_weight * TV + grid_weight * G

    where C_l is the distance of features at layer l and S_l the sum of those of the layer's style
    statistics, each averaged over the batch; see :mod:`faststyle.losses.normalization`. TV is the
    total variation, and G what :func:`faststyle.losses.grid.grid_energy` finds. What has weight
    0 is not computed.

    Args:
        encoder: the loss network.
        content: layer -> weight.
        style: layer -> weight.
        content_weight: of all content layers together.
        style_weight: of all style layers together.
        tv_weight: of the total variation.
        scale: of every term, or its name: ``relative`` divides each by its target's energy, so that
            one weight means the same across encoders, layers, sizes and styles; ``paper`` is
            Johnson et al.'s own.
        statistic: of the style, or its name: ``gram``, ``covariance`` or ``moments``; see
            :mod:`faststyle.losses.statistics`.
        grid_weight: of the pattern of a network's strides.

    Raises:
        UserError: an unknown layer, scale or statistic; a weight that is negative.
    """

    def __init__(
        self,
        encoder: LossNetwork,
        content: Mapping[str, float],
        style: Mapping[str, float],
        content_weight: float = 1.0,
        style_weight: float = 1.0,
        tv_weight: float = 0.0,
        scale: str | LossNormalization = "relative",
        statistic: str | Statistic = "gram",
        grid_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.scale = choose(scale, NORMALIZATIONS, LossNormalization, "loss.scale")
        self.statistic = choose(statistic, STATISTICS, Statistic, "loss.statistic")
        self.encoder = encoder
        self.content = _active(content, content_weight, "content")
        self.style = _active(style, style_weight, "style")
        encoder.check_layers([*content, *style])
        for name, weight in (("tv", tv_weight), ("grid", grid_weight)):
            if weight < 0:
                raise UserError(f"loss.{name}_weight is {weight}; it cannot be negative")
        self.tv_weight, self.grid_weight = float(tv_weight), float(grid_weight)
        self._given = {
            "content": {layer: float(weight) for layer, weight in content.items()},
            "style": {layer: float(weight) for layer, weight in style.items()},
            "content_weight": float(content_weight),
            "style_weight": float(style_weight),
            "tv_weight": self.tv_weight,
            "grid_weight": self.grid_weight,
        }
        self._targets: dict[str, tuple[str, ...]] = {}  # layer -> names of its buffers

    def describe(self) -> dict[str, object]:
        """The arguments, but the encoder, that make this loss anew, as values for JSON.

        Raises ``UserError`` if scale or statistic is not registered, so that no name stands for it.
        """
        scale = name_of(self.scale, NORMALIZATIONS, "loss.scale")
        statistic = name_of(self.statistic, STATISTICS, "loss.statistic")
        return {"scale": scale, "statistic": statistic, **self._given}

    def set_style(self, images: Sequence[StyleImage]) -> None:
        """Compute the style targets, once: the weighted mean of each picture's statistics."""
        self.set_styles([images])

    def set_styles(self, styles: Sequence[Sequence[StyleImage]]) -> None:
        """Compute the targets of several styles, as :meth:`set_style` does of one."""
        statistics = [self._style_of(images) for images in styles]
        for layer in self.style:
            of_styles = list(zip(*(each[layer] for each in statistics), strict=True))
            names = tuple(f"style_target_{layer}_{index}" for index in range(len(of_styles)))
            for name, values in zip(names, of_styles, strict=True):
                self.register_buffer(name, torch.cat(values), persistent=False)
            self._targets[layer] = names

    @torch.no_grad()
    def _style_of(self, images: Sequence[StyleImage]) -> StyleStatistics:
        total = sum(image.weight for image in images)
        if total <= 0:
            raise UserError("the weights of the style images must add up to more than 0")
        shares = [image.weight / total for image in images]
        statistics = [
            self.style_statistics(self.encoder(image.pixels[None], self.style)) for image in images
        ]
        return {
            layer: tuple(
                _mean(values, shares)
                for values in zip(*(each[layer] for each in statistics), strict=True)
            )
            for layer in self.style
        }

    @torch.no_grad()
    def targets(self, photos: Tensor | None, styles: Tensor | None = None) -> Representation:
        """The content of the photos (N, 3, H, W), no deeper and no graph, in the style that is set.

        Args:
            photos: without them there is no content, for a loss that has no such term.
            styles: (N,), which of several styles each picture is to have.
        """
        style = {
            layer: tuple(self._target(name, styles) for name in names)
            for layer, names in self._targets.items()
        }
        return Representation({} if photos is None else self.encoder(photos, self.content), style)

    def _target(self, name: str, styles: Tensor | None) -> Tensor:
        target = self.get_buffer(name)
        if styles is not None:
            return target[styles]
        if len(target) > 1:
            raise ValueError("several styles are set: say which one each picture is to have")
        return target

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """Features of ``images`` (N, 3, H, W) at all layers of the loss, and no deeper."""
        features: dict[str, Tensor] = self.encoder(images, {*self.content, *self.style})
        return features

    def style_statistics(self, features: Mapping[str, Tensor]) -> StyleStatistics:
        """The statistics of ``features`` at the style's layers."""
        return {layer: self.statistic(features[layer]) for layer in self.style}

    def represent(self, features: Mapping[str, Tensor]) -> Representation:
        """What the loss takes from ``features`` that :meth:`features` gave."""
        content = {layer: features[layer] for layer in self.content}
        return Representation(content, self.style_statistics(features))

    def forward(self, images: Tensor, targets: Representation) -> LossTerms:
        """Every weighted term of the loss.

        Args:
            images: (N, 3, H, W), RGB in [0, 1].
            targets: what :meth:`targets` gave for the photos, same N, H and W.
        """
        return self.terms(images, self.represent(self.features(images)), targets)

    def terms(
        self,
        images: Tensor,
        found: Representation,
        targets: Representation,
        reference: Representation | None = None,
    ) -> LossTerms:
        """What :meth:`forward` returns, of ``images`` that ``found`` represents.

        Args:
            images: (N, 3, H, W), RGB in [0, 1].
            found: of the images.
            targets: same shapes; the style's may have one picture for all.
            reference: what distances are relative to, if not the targets.
        """
        compared = found, targets, reference or targets
        contents = {
            layer: weight * self.scale.content(*(each.content[layer] for each in compared))
            for layer, weight in self.content.items()
        }
        styles = {
            layer: weight * self._style_distance(*(each.style[layer] for each in compared))
            for layer, weight in self.style.items()
        }
        priors = {}
        if self.tv_weight:
            priors["tv"] = self.tv_weight * self.scale.variation(images)
        if self.grid_weight:
            priors["grid"] = self.grid_weight * grid_energy(images)
        none = images.new_zeros(len(images), dtype=torch.float32)
        return LossTerms.of_pictures(contents, styles, priors, none)

    def _style_distance(self, *statistics: tuple[Tensor, ...]) -> Tensor:
        distances = [self.scale.style(*each) for each in zip(*statistics, strict=True)]
        return torch.stack(distances).sum(0)


def _mean(values: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    parts = [value * share for value, share in zip(values, shares, strict=True)]
    return torch.stack(parts).sum(0)


def _active(weights: Mapping[str, float], factor: float, kind: str) -> dict[str, float]:
    """Layers of the term that count, with the term's own weight multiplied in."""
    for name, value in (*weights.items(), (f"{kind}_weight", factor)):
        if value < 0:
            raise UserError(f"loss {kind}: the weight of {name} is {value}; it cannot be negative")
    return {layer: float(w) * float(factor) for layer, w in weights.items() if w * factor > 0}
