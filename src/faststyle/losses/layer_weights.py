"""Weights of layers as a rule instead of a list."""

from collections.abc import Sequence

from faststyle.core.errors import UserError


def geometric_layer_weights(
    layers: Sequence[str], decay: float = 0.5, largest: str = "first"
) -> dict[str, float]:
    """Weights that fall geometrically over ``layers`` (Novak and Nikulin, 2016): 1, d, d^2 ...

    Args:
        layers: from shallow to deep.
        decay: d, above 0 and up to 1; 1 makes all weights equal.
        largest: ``first``, from the shallow end on, or ``last``, from the deep end on.

    Returns:
        layer -> weight, in the order of ``layers``.

    Raises:
        UserError: no layers, a decay outside its range, another end.
    """
    if not layers:
        raise UserError("falling weights need at least one layer")
    if not 0 < decay <= 1:
        raise UserError(f"decay={decay} must be above 0 and at most 1")
    if largest not in ("first", "last"):
        raise UserError(f"largest={largest}: choose first or last")
    steps = range(len(layers)) if largest == "first" else reversed(range(len(layers)))
    return {layer: float(decay) ** step for layer, step in zip(layers, steps, strict=True)}
