"""Run ``faststyle stylize`` twice in one process, and say what the second run did, as JSON.

Imports belong to the first. Counted are functions of faststyle by their files, without what a
comprehension is, and how often each file is opened.
"""

import contextlib
import io
import json
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import faststyle
from faststyle.cli.main import main

ROOT = Path(faststyle.__file__).parent


def stylize() -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        main("stylize")


stylize()
opened: Counter[str] = Counter()
called: Counter[str] = Counter()


def count_open(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str):
        opened[Path(arguments[0]).name] += 1


def count_call(frame: FrameType, event: str, _: object) -> None:
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(str(ROOT)) and code.co_name[0] != "<":
        called[f"{Path(code.co_filename).relative_to(ROOT)} {code.co_qualname}"] += 1


sys.addaudithook(count_open)
sys.setprofile(count_call)
stylize()
sys.setprofile(None)
sys.stdout.write(json.dumps({"opened": opened, "called": called}))
