"""Styles by name: those that ship with faststyle, and those that were trained here."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faststyle.checkpoints.metadata import StyleMetadata
from faststyle.checkpoints.style_file import read_metadata
from faststyle.core.errors import UserError, nearest

log = logging.getLogger(__name__)

#: The working folder's own styles come first, then those of the clone that faststyle runs from.
FOLDERS = (Path("checkpoints"), Path(__file__).resolve().parents[3] / "checkpoints")


@dataclass(frozen=True)
class StyleEntry:
    """A style in the catalog: the name to call it by, its file, and what the file says of it."""

    name: str
    path: Path
    metadata: StyleMetadata

    def describe(self) -> str:
        """One line: painting, artist, year, license; network; size of the file."""
        about = self.metadata
        by = ", ".join(filter(None, (about.artist, about.year, about.license)))
        width = about.network.options.get("width", "?") if about.network else "?"
        size = self.path.stat().st_size / 1e6
        return f"{about.title or about.style or '?'} ({by}); width {width}; {size:.1f} MB"


def list_styles() -> list[StyleEntry]:
    """Every style in the catalog, by name; a file that is none is named in a warning."""
    found = []
    for name, path in sorted(_files().items()):
        try:
            found.append(StyleEntry(name, path, read_metadata(path)))
        except UserError as error:
            log.warning("%s", error)
    return found


def resolve_styles(given: Sequence[str] | None) -> list[str]:
    """The styles ``given`` by name or file; none means all in the catalog.

    Raises ``UserError`` if one is not there, or if there are none.
    """
    chosen = list(given or [style.name for style in list_styles()])
    if not chosen:
        raise UserError("no styles here yet: train one, or pass --ckpt the path of a checkpoint")
    for name in chosen:
        if not find_style(name).is_file():
            raise UserError(f"no such checkpoint: {name}")
    return chosen


def find_style(given: str) -> Path:
    """The file that ``given`` means: a path, or the name of a style in the catalog.

    Raises ``UserError`` for a name that no style has; a path is returned as it is.
    """
    path = Path(given).expanduser()
    if path.exists() or path.suffix or len(path.parts) != 1:
        return path
    files = _files()
    if given in files:
        return files[given]
    hint = nearest(given, files) if files else "none is here yet; pass the path of a checkpoint"
    raise UserError(f'no style "{given}": {hint}')


def _files() -> dict[str, Path]:
    """Every style's file by its name, those of the first folder first."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in folder.glob("*.safetensors"):
            found.setdefault(path.stem, path)
    return found
