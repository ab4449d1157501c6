"""Files of styles: weights, and the metadata that they are rebuilt and trusted by."""

from faststyle.styles.catalog import FoundStyle, find_style
from faststyle.styles.exported import read_exported_style
from faststyle.styles.loading import load_style, open_style
from faststyle.styles.metadata import StyleMetadata
from faststyle.styles.style_file import TrainedStyle, read_style, write_style

__all__ = [
    "FoundStyle",
    "StyleMetadata",
    "TrainedStyle",
    "find_style",
    "load_style",
    "open_style",
    "read_exported_style",
    "read_style",
    "write_style",
]
