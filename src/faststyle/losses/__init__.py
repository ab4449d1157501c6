"""Perceptual losses (Gatys et al., 2016; Johnson et al., 2016)."""

from faststyle.losses.base import (
    CONTENT_LOSSES,
    STYLE_LOSSES,
    ContentLoss,
    StatisticLoss,
    StyleLoss,
)
from faststyle.losses.gram import Moments, gram_matrix
from faststyle.losses.layer_weights import geometric_layer_weights
from faststyle.losses.local_gram import LocalGram
from faststyle.losses.normalization import NORMALIZATIONS, RelativeEnergy
from faststyle.losses.perceptual import PerceptualLoss, StyleImage, Targets
from faststyle.losses.reconstruction import ReconstructionLoss
from faststyle.losses.relaxed_emd import RelaxedEarthMover
from faststyle.losses.self_similarity import SelfSimilarity
from faststyle.losses.sliced_wasserstein import SlicedWasserstein
from faststyle.losses.sources import CNTKNormalization
from faststyle.losses.terms import LossTerms

__all__ = [
    "CONTENT_LOSSES",
    "NORMALIZATIONS",
    "STYLE_LOSSES",
    "CNTKNormalization",
    "ContentLoss",
    "LocalGram",
    "LossTerms",
    "Moments",
    "PerceptualLoss",
    "ReconstructionLoss",
    "RelativeEnergy",
    "RelaxedEarthMover",
    "SelfSimilarity",
    "SlicedWasserstein",
    "StatisticLoss",
    "StyleImage",
    "StyleLoss",
    "Targets",
    "geometric_layer_weights",
    "gram_matrix",
]
