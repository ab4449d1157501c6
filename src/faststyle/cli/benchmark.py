"""``faststyle benchmark train --against reference``: how fast faststyle is here.

The code is in ``benchmarks`` of a clone, and not in the wheel.
"""

import importlib
import sys
from pathlib import Path

import faststyle
from faststyle.core.errors import UserError

_CLONE = Path(faststyle.__file__).resolve().parents[2]
if not (_CLONE / "benchmarks" / "command.py").is_file():
    raise UserError('faststyle benchmark is for a clone, with pip install -e ".[benchmark]"')
sys.path.insert(0, str(_CLONE))
benchmark = importlib.import_module("benchmarks.command").benchmark
