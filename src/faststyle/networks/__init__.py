"""The transform networks: what they are, how a CPU computes them fast, and their names in files."""

from faststyle.networks.bake import StyleInterpolator, bake_style
from faststyle.networks.registry import (
    NETWORKS,
    NetworkDescription,
    build_network,
    describe_network,
)
from faststyle.networks.super_resolution import SuperResolutionNetwork
from faststyle.networks.transform import TransformNetwork, pad_to_multiple

__all__ = [
    "NETWORKS",
    "NetworkDescription",
    "StyleInterpolator",
    "SuperResolutionNetwork",
    "TransformNetwork",
    "bake_style",
    "build_network",
    "describe_network",
    "pad_to_multiple",
]
