"""Perceptual losses (Gatys et al., 2016; Johnson et al., 2016)."""

from faststyle.losses.perceptual import PerceptualLoss
from faststyle.losses.terms import (
    feature_distance,
    gram_matrix,
    style_statistics,
    total_variation,
)
from faststyle.losses.weights import falling_weights

__all__ = [
    "PerceptualLoss",
    "falling_weights",
    "feature_distance",
    "gram_matrix",
    "style_statistics",
    "total_variation",
]
