"""What comes with faststyle: files inside the package, and folders beside it in a clone."""

from importlib import metadata, resources
from pathlib import Path

_PACKAGE = Path(str(resources.files("faststyle")))


def bundled_file(name: str) -> Path:
    """Where the file called ``name`` lies; it may not exist."""
    return _PACKAGE / "assets" / name


def bundled_folder(name: str) -> Path:
    """Where the folder ``configs`` or ``checkpoints`` lies, as faststyle came with it.

    A wheel carries it inside the package. In a clone it lies beside ``src``, where people find it.
    """
    inside = _PACKAGE / "assets" / name
    return inside if inside.is_dir() else _PACKAGE.parents[1] / name


def license_text() -> str:
    """The license of faststyle, as it was installed with it."""
    return metadata.distribution("faststyle").read_text("licenses/LICENSE") or ""


def project_address() -> str | None:
    """Where the project is at home: what comes first in ``[project.urls]`` of pyproject.toml.

    As it was installed with it; none if nothing is written there.
    """
    told = metadata.metadata("faststyle").get_all("Project-URL", ())
    addresses = [each.partition(", ")[2] for each in told]
    return next((each for each in addresses if each.startswith("https://")), None)
