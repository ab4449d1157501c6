"""The perceptual loss of Johnson et al. (2016), composed from named layers and weights."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.encoder import LossNetwork
from faststyle.losses.base import (
    STYLE_LOSSES,
    ContentLoss,
    FeatureDistance,
    LayerLoss,
    StatisticLoss,
    StyleLoss,
    Target,
)
from faststyle.losses.grid import grid_energy
from faststyle.losses.normalization import NORMALIZATIONS, LossNormalization
from faststyle.losses.terms import LossTerms
from faststyle.losses.weighted_loss import WeightedLoss, build_part, build_term, describe_part

#: Name of a term -> layer -> what it wants there.
Targets = Mapping[str, Mapping[str, Target]]
Features = Mapping[str, Tensor]

#: The two terms that every loss may have, by the settings of the same names.
CONTENT, STYLE = "content", "style"


class StyleImage(NamedTuple):
    """One picture of a style: (3, H, W) in [0, 1], and its share in the mixture."""

    pixels: Tensor
    weight: float = 1.0


class PerceptualLoss(nn.Module):
    """What a picture lacks of a photo's content and of a style, and what it should not have.

    L = content_weight * sum_l content[l] C_l + style_weight * sum_l style[l] S_l
        + sum_t weight[t] * sum_l layers[t][l] T_l + tv_weight * TV + grid_weight * G

    where C_l is the distance of features at layer l, S_l that of the style, and T_l that of a
    further term t, each averaged over the batch. TV is the total variation, and G what
    :func:`faststyle.losses.grid.grid_energy` finds. What has weight 0 is not computed. The loss
    network sees each picture once, for all terms.

    Args:
        encoder: the loss network.
        content: layer -> weight.
        style: layer -> weight.
        content_weight: of all content layers together.
        style_weight: of all style layers together.
        tv_weight: of the total variation.
        scale: what differences are measured in, or its name: ``relative`` divides each by its
            target's energy, so that one weight means the same across encoders, layers, sizes and
            styles; ``paper`` is Johnson et al.'s own. Further terms have scales of their own.
        statistic: what ``style`` compares: a name in :data:`STYLE_LOSSES`, a mapping of ``name``
            and its options, or a :class:`StyleLoss`.
        grid_weight: of the pattern of a network's strides.
        terms: further terms by name: ``weight``, ``layers`` (layer -> weight), ``loss`` (a name in
            :data:`STYLE_LOSSES` or :data:`CONTENT_LOSSES`; the term's own if it is left out), and
            the options of that loss.

    Raises:
        UserError: an unknown layer, scale, loss or option; a weight that is negative.
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
        statistic: str | Mapping[str, Any] | StyleLoss = "moments",
        grid_weight: float = 0.0,
        terms: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__()
        for name, weight in (("tv", tv_weight), ("grid", grid_weight)):
            if weight < 0:
                raise UserError(f"loss.{name}_weight is {weight}; it cannot be negative")
        self.encoder = encoder
        self.tv_weight, self.grid_weight = float(tv_weight), float(grid_weight)
        self.scale: LossNormalization = build_part(scale, NORMALIZATIONS, LossNormalization)
        statistic_loss: StyleLoss = build_part(statistic, STYLE_LOSSES, StyleLoss)
        if isinstance(statistic_loss, StatisticLoss):
            statistic_loss.normalization = self.scale
        distance = FeatureDistance(self.scale)
        self.terms = {
            CONTENT: WeightedLoss(CONTENT, distance, content, content_weight),
            STYLE: WeightedLoss(STYLE, statistic_loss, style, style_weight),
            **{str(name): build_term(str(name), term) for name, term in (terms or {}).items()},
        }
        encoder.check_layers([*content, *style, *self.layers])
        self._losses = nn.ModuleDict({name: term.loss for name, term in self.terms.items()})
        #: Of each term and layer, for S styles (S, ...); and which of these is the photo itself.
        self._targets: dict[tuple[str, str], Target] = {}
        self._is_photo = torch.zeros(1, dtype=torch.bool)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move the targets of styles, which no file has, with the module."""
        self._targets = {key: tuple(map(fn, target)) for key, target in self._targets.items()}
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call, no-any-return]

    def describe(self) -> dict[str, object]:
        """The arguments, but the encoder, that make this loss anew, as values for JSON.

        Raises ``UserError`` if a part is not registered, so that no name stands for it.
        """
        content, style, *further = self.terms.values()
        terms = {term.name: term.describe() for term in further}
        return {
            "scale": describe_part(self.scale, NORMALIZATIONS),
            "statistic": describe_part(style.loss, STYLE_LOSSES),
            "content": content.floats(),
            "style": style.floats(),
            "content_weight": float(content.weight),
            "style_weight": float(style.weight),
            "tv_weight": self.tv_weight,
            "grid_weight": self.grid_weight,
            **({"terms": terms} if terms else {}),
        }

    @property
    def layers(self) -> set[str]:
        """All layers that count in any term."""
        return _layers(self.terms.values())

    @property
    def needs_photo(self) -> bool:
        """Whether any term that counts compares with the photo."""
        return any(True for _ in self._active_terms(ContentLoss))

    @property
    def needs_style(self) -> bool:
        """Whether any term that counts compares with a painting."""
        return any(True for _ in self._active_terms(StyleLoss))

    def set_style(self, images: Sequence[StyleImage]) -> None:
        """Compute the style targets, once: those of all pictures, mixed by their weights."""
        self.set_styles([images])

    def set_styles(self, styles: Sequence[Sequence[StyleImage]]) -> None:
        """Compute the targets of several styles, as :meth:`set_style` does of one.

        A style without pictures is the photo itself: what is to be its style has the statistics of
        the photo. Raises ``UserError`` if all are.
        """
        paintings = [self._style_targets(images) for images in styles if images]
        if not paintings:
            raise UserError("the photo itself is a style beside others: name a painting, too")
        self._is_photo = torch.tensor([not images for images in styles])
        # Of the photo's targets only the shapes are known yet.
        each = iter(paintings)
        found = [next(each) if images else paintings[0] for images in styles]
        for key in paintings[0]:
            parts = zip(*(targets[key] for targets in found), strict=True)
            self._targets[key] = tuple(torch.cat(values) for values in parts)

    @torch.no_grad()
    def targets(
        self,
        photos: Tensor | None,
        styles: Tensor | None = None,
        paintings: Tensor | None = None,
    ) -> Targets:
        """What the photos (N, 3, H, W), if there are any, and the style that is set want.

        ``styles``: (N,), which of several styles each picture is to have. ``paintings``
        (N, 3, h, w): those of each picture, in place of the style that is set. There is no graph.
        """
        if paintings is not None:
            targets = self._painting_targets(paintings)
        else:
            targets = {
                name: {layer: self._style_target(name, layer, styles) for layer in term.layers}
                for name, term in self._active_terms(StyleLoss)
                if self._targets
            }
        if photos is None:
            return targets
        content = dict(self._active_terms(ContentLoss))
        is_photo = self._which_are_photos(styles)
        shallow = _layers(content.values())
        features = self.encoder(photos, shallow if is_photo is None else self.layers)
        if is_photo is not None:
            targets = self._with_photos(targets, features, is_photo.to(photos.device))
        return {**targets, **{name: term.targets(features) for name, term in content.items()}}

    def targets_of(self, features: Features) -> Targets:
        """What pictures of these features themselves have, for every term."""
        return {name: term.targets(features) for name, term in self._active_terms(LayerLoss)}

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """Features of ``images`` (N, 3, H, W) at all layers of the loss, and no deeper."""
        features: dict[str, Tensor] = self.encoder(images, self.layers)
        return features

    def forward(
        self, images: Tensor, targets: Targets, generator: torch.Generator | None = None
    ) -> LossTerms:
        """Every weighted term of the loss, for ``images`` (N, 3, H, W), RGB in [0, 1].

        ``targets`` are those of photos of the same N, H and W. ``generator``, on the CPU, gives the
        random numbers of all terms; without one, a call draws the same numbers as any other.
        """
        return self.compare(images, self.features(images), targets, generator)

    def compare(
        self,
        images: Tensor,
        features: Features,
        targets: Targets,
        generator: torch.Generator | None = None,
    ) -> LossTerms:
        """What :meth:`forward` returns, of ``images`` whose ``features`` are known."""
        generator = generator or torch.Generator().manual_seed(0)
        values = {
            name: {
                layer: weight * term.loss(features[layer], targets[name][layer], generator)
                for layer, weight in term.layers.items()
            }
            for name, term in self._active_terms(LayerLoss)
        }
        none = images.new_zeros(len(images), dtype=torch.float32)
        contents, styles = values.pop(CONTENT, {}), values.pop(STYLE, {})
        others = {name: sum(layers.values(), none) for name, layers in values.items()}
        if self.tv_weight:
            others["tv"] = self.tv_weight * self.scale.variation(images)
        if self.grid_weight:
            others["grid"] = self.grid_weight * grid_energy(images)
        return LossTerms.of_pictures(contents, styles, others, none)

    def _active_terms(self, kind: type) -> Iterator[tuple[str, WeightedLoss]]:
        for name, term in self.terms.items():
            if term.layers and isinstance(term.loss, kind):
                yield name, term

    @torch.no_grad()
    def _style_targets(self, images: Sequence[StyleImage]) -> dict[tuple[str, str], Target]:
        total = sum(image.weight for image in images)
        if total <= 0:
            raise UserError("the weights of the style images must add up to more than 0")
        shares = [image.weight / total for image in images]
        terms = dict(self._active_terms(StyleLoss))
        layers = _layers(terms.values())
        features = [self.encoder(image.pixels[None], layers) for image in images]
        mixed = {}
        for name, term in terms.items():
            for layer in term.layers:
                targets = [term.loss.target(of_image[layer]) for of_image in features]
                if len(targets) > 1:
                    targets = [cast(StyleLoss, term.loss).mix(targets, shares)]
                [mixed[name, layer]] = targets
        return mixed

    def _painting_targets(self, paintings: Tensor) -> Targets:
        terms = dict(self._active_terms(StyleLoss))
        features = self.encoder(paintings, _layers(terms.values()))
        return {name: term.targets(features) for name, term in terms.items()}

    def _which_are_photos(self, styles: Tensor | None) -> Tensor | None:
        """Which pictures are to have the photo itself as their style, (N,); none if none is."""
        # A GPU has to be waited for, so it is asked only where there is such a style.
        if styles is None or not self._is_photo.any():
            return None
        chosen = self._is_photo[styles.cpu()]
        return chosen if chosen.any() else None

    def _with_photos(self, targets: Targets, features: Features, is_photo: Tensor) -> Targets:
        """Style targets (N, ...), but those of the photos' ``features`` where ``is_photo`` (N,)."""

        def choose(own: Target, painting: Target) -> Target:
            pairs = zip(own, painting, strict=True)
            return tuple(
                torch.where(is_photo.view(-1, *[1] * (first.dim() - 1)), first, second)
                for first, second in pairs
            )

        return {
            name: {
                layer: choose(own, targets[name][layer])
                for layer, own in term.targets(features).items()
            }
            for name, term in self._active_terms(StyleLoss)
        }

    def _style_target(self, name: str, layer: str, styles: Tensor | None) -> Target:
        target = self._targets[name, layer]
        if styles is not None:
            return tuple(part[styles] for part in target)
        if len(target[0]) > 1:
            raise ValueError("several styles are set: say which one each picture is to have")
        return target


def _layers(terms: Iterable[WeightedLoss]) -> set[str]:
    return {layer for term in terms for layer in term.layers}
