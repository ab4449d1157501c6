"""The scripts are the commands under the names that people know them by."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from faststyle.cli.table import COMMANDS
from tests.places import SCRIPTS

#: Tools of this repository, which the installed package has no use for.
OF_THE_CLONE = {"paint_flow_field.py", "web_styles.py"}
OF_COMMANDS = sorted(path for path in SCRIPTS.glob("*.py") if path.name not in OF_THE_CLONE)


def _command(path: Path) -> str:
    name: str
    [name] = re.findall(r'main\("([\w-]+)"\)', path.read_text())
    return name


def test_each_script_has_a_command_of_its_own() -> None:
    names = [_command(path) for path in OF_COMMANDS]
    assert sorted(names) == sorted(set(COMMANDS) - {"styles", "info"})


@pytest.mark.parametrize("path", OF_COMMANDS, ids=lambda path: path.stem)
def test_a_script_says_what_its_command_says(path: Path) -> None:
    run = subprocess.run(
        [sys.executable, path, "--help"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    name = _command(path)
    says = f"faststyle {name}: settings" if COMMANDS[name].config else COMMANDS[name].does
    assert says in run.stdout
