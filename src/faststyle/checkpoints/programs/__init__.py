"""A trained style as a program of another runtime: a file for each, and one table of them."""

from faststyle.checkpoints.programs.format import Format, Loaded
from faststyle.checkpoints.programs.network import ProgramNetwork, ProgramStyle, read_program
from faststyle.checkpoints.programs.program import ExportOptions, Program
from faststyle.checkpoints.programs.table import FORMATS, find_format, is_program

__all__ = [
    "FORMATS",
    "ExportOptions",
    "Format",
    "Loaded",
    "Program",
    "ProgramNetwork",
    "ProgramStyle",
    "find_format",
    "is_program",
    "read_program",
]
