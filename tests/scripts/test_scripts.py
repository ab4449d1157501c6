"""Two scripts are commands under the names that people know them by."""

import subprocess
import sys

import pytest

from faststyle.cli.table import COMMANDS
from tests.places import SCRIPTS


@pytest.mark.parametrize(("script", "name"), [("train", "train"), ("infer", "stylize")])
def test_a_script_says_what_its_command_says(script: str, name: str) -> None:
    words = [sys.executable, str(SCRIPTS / f"{script}.py"), "--help"]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    says = f"faststyle {name}: settings" if COMMANDS[name].config else COMMANDS[name].does
    assert says in run.stdout
