"""The transform networks: what they are, how a CPU computes them fast, and their names in files."""

from faststyle.networks.any_painting import AnyPaintingNetwork
from faststyle.networks.conditional import StyleInterpolator, bake_style
from faststyle.networks.stages import NETWORKS, STRIDE, pad_to_multiple
from faststyle.networks.super_resolution import SuperResolutionNetwork
from faststyle.networks.transform import TransformNetwork

__all__ = [
    "NETWORKS",
    "STRIDE",
    "AnyPaintingNetwork",
    "StyleInterpolator",
    "SuperResolutionNetwork",
    "TransformNetwork",
    "bake_style",
    "pad_to_multiple",
]
