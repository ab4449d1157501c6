"""Loss networks: each returns the layers asked for by their paper names."""

from faststyle.encoder.lite import LiteEncoder
from faststyle.encoder.vgg import VGGEncoder

#: Whatever a perceptual loss can be composed from.
Encoder = VGGEncoder | LiteEncoder

__all__ = ["Encoder", "LiteEncoder", "VGGEncoder"]
