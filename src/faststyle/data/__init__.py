"""Photos to train on."""

from faststyle.data.folder import PhotoFolder
from faststyle.data.module import PhotoData
from faststyle.data.synthetic import DeadLeaves

__all__ = ["DeadLeaves", "PhotoData", "PhotoFolder"]
