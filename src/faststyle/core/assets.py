"""Files that ship inside the package."""

from importlib import resources
from pathlib import Path


def bundled_file(name: str) -> Path:
    """Where the file called ``name`` lies; it may not exist."""
    return Path(str(resources.files("faststyle") / "assets" / name))
