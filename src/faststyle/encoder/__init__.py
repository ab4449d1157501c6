"""Loss networks: each returns the layers asked for by their paper names."""

from faststyle.encoder.base import LOSS_NETWORKS, LossNetwork
from faststyle.encoder.lite import LiteEncoder
from faststyle.encoder.vgg import VGGEncoder

__all__ = ["LOSS_NETWORKS", "LiteEncoder", "LossNetwork", "VGGEncoder"]
