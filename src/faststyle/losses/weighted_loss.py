"""One term of the perceptual loss: what is compared, at which layers, and how much it counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

from torch import Tensor

from faststyle.core.errors import UserError, nearest
from faststyle.core.registry import Registry
from faststyle.losses.base import CONTENT_LOSSES, STYLE_LOSSES, ContentLoss, LayerLoss, Target

#: Names that terms of the loss have already.
RESERVED = ("content", "style", "loss", "tv", "grid", "temporal", "temporal_features")

Part = TypeVar("Part")


@dataclass(frozen=True)
class WeightedLoss:
    """A term of the loss, by its ``name`` for errors: a style loss or a content loss at layers.

    Each has its weight, and ``weight`` is that of the whole term. Raises ``UserError`` for a weight
    below 0.
    """

    name: str
    loss: LayerLoss
    layer_weights: Mapping[str, float]
    weight: float

    def __post_init__(self) -> None:
        for of, value in (*self.layer_weights.items(), (f"{self.name}_weight", self.weight)):
            if value < 0:
                raise UserError(
                    f"loss {self.name}: the weight of {of} is {value}; it cannot be negative"
                )

    @cached_property
    def layers(self) -> dict[str, float]:
        """Layer -> weight, that of the whole term included, but for those of weight 0."""
        whole = float(self.weight)
        return {layer: each * whole for layer, each in self.floats().items() if each * whole > 0}

    def floats(self) -> dict[str, float]:
        """The weights of all layers, as values for JSON."""
        return {layer: float(weight) for layer, weight in self.layer_weights.items()}

    def targets(self, features: Mapping[str, Tensor]) -> dict[str, Target]:
        """Layer -> what pictures or paintings of these ``features`` ask for."""
        return {layer: self.loss.target(features[layer]) for layer in self.layers}

    def describe(self) -> dict[str, Any]:
        """What :func:`build_term` makes the same term from, as values for JSON."""
        is_content = isinstance(self.loss, ContentLoss)
        registry: Registry[Any] = CONTENT_LOSSES if is_content else STYLE_LOSSES
        kind, options = registry.describe(self.loss)
        return {"loss": kind, "weight": float(self.weight), "layers": self.floats(), **options}


def build_term(name: str, settings: Mapping[str, Any]) -> WeightedLoss:
    """A further term of the loss, as :class:`faststyle.losses.PerceptualLoss` is given it.

    Raises ``UserError`` for an unknown loss or option, a missing weight, or options beside a loss
    that is an object.
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
        loss = _registry_of(str(loss), where).build(loss, **options)
    elif options:
        raise UserError(f"{where}: its loss is an object, which cannot take {', '.join(options)}")
    return WeightedLoss(name, loss, layers, weight)


def build_part(given: str | Mapping[str, Any] | Part, registry: Registry[Part], kind: type) -> Part:
    """What a setting gives: a name in a registry, a mapping of ``name`` and options, or itself.

    Raises ``UserError`` for a name or option that is not known.
    """
    if isinstance(given, str):
        return registry.build(given)
    if isinstance(given, Mapping) and "name" in given:
        options = {str(key): value for key, value in given.items()}
        return registry.build(options.pop("name"), **options)
    if not isinstance(given, kind):
        raise UserError(f"{given} is neither a name nor a {registry.kind}")
    return cast(Part, given)


def describe_part(part: object, registry: Registry[Any]) -> str | dict[str, Any]:
    """What :func:`build_part` makes the same from. Raises ``UserError`` if it is not registered."""
    name, options = registry.describe(part)
    return {"name": name, **options} if options else name


def _registry_of(kind: str, where: str) -> Registry[Any]:
    for registry in (STYLE_LOSSES, CONTENT_LOSSES):
        if kind in registry:
            return registry
    known = [*STYLE_LOSSES, *CONTENT_LOSSES]
    raise UserError(f'{where}: unknown loss "{kind}": {nearest(kind, known)}')
