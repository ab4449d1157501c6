"""The per-style file: weights and the facts needed to rebuild and trust them."""

from faststyle.checkpoints.catalog import FoundStyle, find_style
from faststyle.checkpoints.loading import load_style, open_style
from faststyle.checkpoints.metadata import StyleMetadata
from faststyle.checkpoints.programs import ProgramStyle, is_program, read_program
from faststyle.checkpoints.style_file import FORMAT_VERSION, TrainedStyle, read_style, write_style

__all__ = [
    "FORMAT_VERSION",
    "FoundStyle",
    "ProgramStyle",
    "StyleMetadata",
    "TrainedStyle",
    "find_style",
    "is_program",
    "load_style",
    "open_style",
    "read_program",
    "read_style",
    "write_style",
]
