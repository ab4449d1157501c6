"""One term of the perceptual loss: what is compared, at which layers, and how much it counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from faststyle.core.errors import UserError, nearest
from faststyle.core.registry import Registry
from faststyle.losses.base import CONTENT_LOSSES, STYLE_LOSSES, ContentLoss, LayerLoss, Target

#: Names that terms of the loss have already.
RESERVED = ("content", "style", "loss", "tv", "grid", "temporal", "temporal_features")


@dataclass(frozen=True)
class WeightedLoss:
    """A term of the loss.

    Args:
        loss: a style loss or a content loss.
        layers: layer -> weight, that of the whole term included; none of them is 0.
    """

    loss: LayerLoss
    layers: Mapping[str, float]

    @classmethod
    def of(
        cls, name: str, loss: LayerLoss, layers: Mapping[str, float], weight: float
    ) -> "WeightedLoss":
        """A term of which the layers of weight 0 are left out.

        Raises ``UserError`` for a weight below 0; ``name`` is the term's, for errors.
        """
        for of, value in (*layers.items(), (f"{name}_weight", weight)):
            if value < 0:
                raise UserError(
                    f"loss {name}: the weight of {of} is {value}; it cannot be negative"
                )
        kept = {layer: float(each) * float(weight) for layer, each in layers.items()}
        return cls(loss, {layer: value for layer, value in kept.items() if value > 0})

    def targets(self, features: Mapping[str, Tensor]) -> dict[str, Target]:
        """Layer -> what pictures or paintings of these ``features`` ask for."""
        return {layer: self.loss.target(features[layer]) for layer in self.layers}


def build_term(name: str, settings: Mapping[str, Any]) -> WeightedLoss:
    """A further term of the loss, as :class:`faststyle.losses.PerceptualLoss` is given it.

    Raises ``UserError`` for an unknown loss or option, or a missing weight.
    """
    where = f"loss.terms.{name}"
    if name in RESERVED:
        raise UserError(f"{where}: the loss has a term of that name already")
    options = dict(settings)
    try:
        weight, layers = options.pop("weight"), options.pop("layers")
    except KeyError as missing:
        raise UserError(f"{where} needs weight and layers: {missing} is missing") from None
    loss = options.pop("loss", name)
    if not isinstance(loss, LayerLoss):
        loss = _registry_of(loss, where).build(loss, **options)
    return WeightedLoss.of(name, loss, layers, weight)


def describe_term(settings: Mapping[str, Any], term: WeightedLoss) -> dict[str, Any]:
    """The ``settings`` of a term in full, as values for JSON."""
    registry: Registry[Any] = CONTENT_LOSSES if isinstance(term.loss, ContentLoss) else STYLE_LOSSES
    kind, options = registry.describe(term.loss)
    layers = {layer: float(weight) for layer, weight in settings["layers"].items()}
    return {"loss": kind, "weight": float(settings["weight"]), "layers": layers, **options}


def _registry_of(kind: object, where: str) -> Registry[Any]:
    for registry in (STYLE_LOSSES, CONTENT_LOSSES):
        if kind in registry:
            return registry
    known = [*STYLE_LOSSES, *CONTENT_LOSSES]
    raise UserError(f'{where}: unknown loss "{kind}": {nearest(str(kind), known)}')
