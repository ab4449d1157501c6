"""``faststyle benchmark train --against reference``: how fast faststyle is here.

The code is in ``benchmarks`` of a clone, and not in the wheel.
"""

import importlib
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from types import ModuleType

import faststyle
from faststyle.core.errors import UserError


def add_arguments(parser: ArgumentParser) -> None:
    """What is measured, and against what."""
    _command().add_arguments(parser)


def run(args: Namespace) -> None:
    """Measure, and print tables."""
    _command().run(args)


def _command() -> ModuleType:
    clone = Path(faststyle.__file__).resolve().parents[2]
    if not (clone / "benchmarks" / "command.py").is_file():
        raise UserError('faststyle benchmark is for a clone, with pip install -e ".[benchmark]"')
    sys.path.insert(0, str(clone))
    return importlib.import_module("benchmarks.command")
