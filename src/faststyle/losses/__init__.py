"""Perceptual losses (Gatys et al., 2016; Johnson et al., 2016)."""

from faststyle.losses.layer_weights import geometric_layer_weights
from faststyle.losses.perceptual import PerceptualLoss
from faststyle.losses.terms import (
    feature_distance,
    gram_matrix,
    style_statistics,
    total_variation,
)

__all__ = [
    "PerceptualLoss",
    "feature_distance",
    "geometric_layer_weights",
    "gram_matrix",
    "style_statistics",
    "total_variation",
]
