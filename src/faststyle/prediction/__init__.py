"""Any painting at once: what a painting asks of a transform network, predicted."""

from faststyle.prediction.network import AnyPaintingNetwork

__all__ = ["AnyPaintingNetwork"]
