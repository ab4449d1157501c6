"""Perceptual losses (Gatys et al., 2016; Johnson et al., 2016)."""

from faststyle.losses.layer_weights import geometric_layer_weights
from faststyle.losses.normalization import (
    NORMALIZATIONS,
    JohnsonNormalization,
    LossNormalization,
    RelativeEnergy,
)
from faststyle.losses.perceptual import PerceptualLoss, Representation, StyleImage
from faststyle.losses.reconstruction import ReconstructionLoss
from faststyle.losses.statistics import (
    STATISTICS,
    Covariance,
    Gram,
    Moments,
    Statistic,
    gram_matrix,
)
from faststyle.losses.terms import LossTerms

__all__ = [
    "NORMALIZATIONS",
    "STATISTICS",
    "Covariance",
    "Gram",
    "JohnsonNormalization",
    "LossNormalization",
    "LossTerms",
    "Moments",
    "PerceptualLoss",
    "ReconstructionLoss",
    "RelativeEnergy",
    "Representation",
    "Statistic",
    "StyleImage",
    "geometric_layer_weights",
    "gram_matrix",
]
