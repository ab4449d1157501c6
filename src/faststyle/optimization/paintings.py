"""Paintings that are given with a photo, as files."""

from collections.abc import Sequence
from pathlib import Path

from faststyle.core.errors import UserError
from faststyle.data.painting import Style
from faststyle.images.probe import open_image
from faststyle.styles.metadata import IDENTITY, StyleMetadata
from faststyle.styles.predicted import PAINTING_SIZE, Painting, check_colors, check_sides


def load_paintings(given: Sequence[str], size: int = PAINTING_SIZE) -> list[Painting]:
    """Paintings from files, PATH or PATH=WEIGHT, at the short side that their strokes have.

    Raises ``UserError``, which names the file, if one cannot be read, is too small or of one color,
    or for a weight that is no number.
    """
    return [_load(*_split(each), size) for each in given]


def _split(given: str) -> tuple[Path, float]:
    path, sign, weight = given.rpartition("=")
    if not sign or Path(given).expanduser().exists():
        return Path(given).expanduser(), 1.0
    try:
        value = float(weight)
    except ValueError:
        raise UserError(f'--painting {given}: "{weight}" is not a number') from None
    if not 0 <= value < float("inf"):
        raise UserError(f"--painting {given}: the weight must be a number, 0 or more")
    return Path(path).expanduser(), value


def _load(path: Path, weight: float, size: int) -> Painting:
    name = StyleMetadata(path.stem).name
    name = "painting" if name == IDENTITY else name
    style = Style(name, str(path), size=size)
    if path.is_file():
        with open_image(path) as opened:
            check_sides(str(path), opened.image.size)
    [(pixels, _)] = style.load()
    check_colors(str(path), pixels)
    return Painting(pixels, StyleMetadata(name, style.digests(), size), weight)
