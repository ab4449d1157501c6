"""Styles by name: those that ship with faststyle, those trained here, and those on the Hub."""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faststyle.config.runs import LAST_CHECKPOINT
from faststyle.core.assets import bundled_folder
from faststyle.core.errors import UserError, nearest
from faststyle.core.storage import cached, is_address
from faststyle.networks.super_resolution import FACTORS
from faststyle.styles import hub
from faststyle.styles.index import open_index
from faststyle.styles.metadata import StyleMetadata
from faststyle.styles.mixture import StyleWeights, mixture_metadata, parse_mix

log = logging.getLogger(__name__)

#: The working folder's own styles come first, then those that faststyle came with.
FOLDERS = (Path("checkpoints"), bundled_folder("checkpoints"))

#: The files of styles that come with faststyle, in a clone under ``checkpoints``.
SHIPPED = {"starry_night", "starry_night_small", "starry_night_calm", "gallery", "gallery_small"}
#: Those that enlarge.
SHIPPED_UPSCALERS = {"enlarge_x4"}
#: What predicts styles.
SHIPPED_PREDICTORS = {"any"}


@dataclass(frozen=True)
class FoundStyle:
    """What a name stands for: a file, and which of its styles, if it holds several."""

    path: Path
    mix: StyleWeights = field(default_factory=dict)


@dataclass(frozen=True)
class StyleEntry:
    """A style in the catalog, by the name to call it by."""

    name: str
    path: Path
    metadata: StyleMetadata

    def describe(self) -> str:
        """One line: painting, artist, year, license; network; size of the file."""
        metadata = self.metadata
        by = ", ".join(filter(None, (metadata.artist, metadata.year, metadata.license)))
        width = metadata.network.options.get("width", "?") if metadata.network else "?"
        size = self.path.stat().st_size / 1e6
        return f"{metadata.title or metadata.style or '?'} ({by}); width {width}; {size:.1f} MB"


def list_styles() -> list[StyleEntry]:
    """Every style in the catalog, by name; a file that is not read is named in a warning.

    A style of a file of several is called by its own name where no file is, else ``FILE:NAME``.
    """
    files = _files()
    found: dict[str, StyleEntry] = {}
    for name, path, metadata in _readable(files):
        if metadata.factor > 1 or metadata.takes_paintings:
            continue
        for style in metadata.names():
            called = f"{name}:{style}" if style in files or style in found else style
            found[called] = StyleEntry(called, path, mixture_metadata(metadata, {style: 1.0}))
        if not metadata.styles:
            found[name] = StyleEntry(name, path, metadata)
    return [entry for _, entry in sorted(found.items())]


def find_style(given: str) -> FoundStyle:
    """The file that ``given`` means: a path, or a name in the catalog.

    Of a file of several styles, ``FILE:NAME`` is one of them, and ``FILE:NAME=0.6,OTHER=0.4`` a
    mixture. A name alone is that of a file, or else that of a style in such a file. ``FILE`` may be
    one on the Hugging Face Hub, ``hf:owner/name`` (see :func:`hub.fetch_style`), or at an address
    (``s3://...``), which is fetched once for each machine.

    Raises ``UserError`` for a name that no style has, an address that cannot be read, or as that
    function; a path is returned as it is.
    """
    file, _, mix = given.rpartition(":")
    # A mixture may be too long for a path, which is no error to os.path.
    is_file = os.path.exists(given)  # noqa: PTH110
    is_whole = is_file or f"{file}:" in (":", hub.PREFIX)
    if not is_whole and not re.search(r"[/\\]", mix):
        parts = parse_mix(mix)  # before a file is fetched
        return FoundStyle(_find(file).path, parts)
    return _find(given)


def _find(given: str) -> FoundStyle:
    if given.startswith(hub.PREFIX):
        return FoundStyle(hub.fetch_style(given))
    path = Path(given).expanduser()
    if len(path.parts) != 1 and is_address(given):
        return FoundStyle(cached(given))
    if path.is_file() or len(path.parts) != 1:
        return FoundStyle(last_of_run(path) if path.is_dir() else path)
    files = _files()
    if given in files:
        return FoundStyle(files[given])
    inside: dict[str, Path] = {}
    for _, file, metadata in _readable(files):
        for name in metadata.names():
            inside.setdefault(name, file)
    if given in inside:
        return FoundStyle(inside[given], {given: 1.0})
    if path.is_dir():
        return FoundStyle(last_of_run(path))
    if path.suffix:
        return FoundStyle(path)
    known = [*files, *inside]
    hint = nearest(given, known) if known else "none is here yet; pass the path of a checkpoint"
    raise UserError(f'no style "{given}": {hint}')


def find_upscaler(factor: int) -> Path:
    """The first file in the catalog that enlarges by ``factor``. Raises ``UserError`` for none."""
    if factor not in FACTORS:
        known = ", ".join(map(str, FACTORS))
        raise UserError(f"factor {factor}: networks enlarge by one of {known}")
    found = {metadata.factor: path for _, path, metadata in reversed(_readable(_files()))}
    if factor in found:
        return found[factor]
    others = ", ".join(str(each) for each in sorted(found) if each > 1)
    known = f"those here enlarge by {others}" if others else "none is here yet"
    raise UserError(
        f"no checkpoint enlarges by {factor}: {known}; pass --ckpt, or train one:"
        f" faststyle train-super-resolution factor={factor}"
    )


def last_of_run(folder: Path) -> Path:
    """The last checkpoint of the training run that ``folder`` is of.

    Raises ``UserError`` if it is of none.
    """
    for path in (folder / LAST_CHECKPOINT, folder / LAST_CHECKPOINT.name):
        if path.is_file():
            return path
    raise UserError(f"{folder} is a folder, and not that of a run: it has no {LAST_CHECKPOINT}")


def beside_shipped(path: Path) -> Path:
    """``path``, or the same as ``NAME_mine`` if a style that ships with faststyle lies there."""
    is_there = path.expanduser().resolve().parent == bundled_folder("checkpoints").resolve()
    ships = is_there and path.stem in SHIPPED | SHIPPED_UPSCALERS | SHIPPED_PREDICTORS
    return path.with_stem(f"{path.stem}_mine") if ships else path


def label(given: str) -> str:
    """What to call a style on a page or a sheet: without its folder, and the ending of its file."""
    return re.sub(r"\.(safetensors|ckpt|pth|model|onnx)(?=:|$)", "", Path(given).name)


def _files() -> dict[str, Path]:
    """Every file of styles by its name, those of the first folder first."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted(folder.glob("*.safetensors")):
            if not path.name.startswith("."):  # being written, or macOS's
                found.setdefault(path.stem, path)
    return found


def _readable(files: Mapping[str, Path]) -> list[tuple[str, Path, StyleMetadata]]:
    """Names, files, and what these say; one that says nothing is named in a warning."""
    found = []
    with open_index(files.values()) as read:
        for name, path in files.items():
            try:
                found.append((name, path, read(path)))
            except UserError as error:
                log.warning("%s", error)
    return found
