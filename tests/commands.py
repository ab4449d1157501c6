"""The scripts as people start them: processes of their own."""

import subprocess
import sys
from pathlib import Path

from tests.places import SCRIPTS


def command(script: str, *arguments: str | Path) -> list[str]:
    """The command line of ``scripts/SCRIPT.py``."""
    return [sys.executable, str(SCRIPTS / f"{script}.py"), *map(str, arguments)]


def run_script(
    script: str, *arguments: str | Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, in the folder ``cwd``, and keep what it says."""
    return subprocess.run(
        command(script, *arguments), cwd=cwd, capture_output=True, text=True, check=False
    )
