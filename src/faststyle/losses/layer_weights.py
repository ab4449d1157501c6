"""Weights of layers as a rule instead of a list."""

from collections.abc import Sequence

from faststyle.core.errors import UserError


def geometric_layer_weights(
    layers: Sequence[str], decay: float = 0.5, largest: str = "first", normalized: bool = False
) -> dict[str, float]:
    """Layer -> weight, falling geometrically (Novak and Nikulin, 2016): 1, d, d^2 ...

    ``layers`` go from shallow to deep; ``decay`` is d, above 0 and up to 1, which makes all weights
    equal; weights fall from the shallow end on (``largest="first"``) or from the deep (``last``).
    They add up to 1 if ``normalized``.

    Raises ``UserError`` for no layers, a decay outside its range and another end.
    """
    if not layers:
        raise UserError("falling weights need at least one layer")
    if not 0 < decay <= 1:
        raise UserError(f"decay={decay} must be above 0 and at most 1")
    if largest not in ("first", "last"):
        raise UserError(f"largest={largest}: choose first or last")
    steps = range(len(layers)) if largest == "first" else reversed(range(len(layers)))
    weights = {layer: float(decay) ** step for layer, step in zip(layers, steps, strict=True)}
    total = sum(weights.values()) if normalized else 1
    return {layer: weight / total for layer, weight in weights.items()}
