"""The transform networks: what they are, and how a CPU computes them fast."""

from faststyle.networks.transform import ResidualBlock, TransformNetwork, pad_to_multiple

__all__ = ["ResidualBlock", "TransformNetwork", "pad_to_multiple"]
