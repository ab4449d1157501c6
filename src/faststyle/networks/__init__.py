"""The transform networks: what they are, and how a CPU computes them fast."""

from faststyle.networks.transform import ResidualBlock, TransformNetwork, extend

__all__ = ["ResidualBlock", "TransformNetwork", "extend"]
