"""The loss network: a frozen VGG that returns the layers asked for by their paper names."""

from faststyle.encoder.vgg import VGGEncoder

__all__ = ["VGGEncoder"]
