"""A style's image: a file of the user's, one that ships with faststyle, or a verified download."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

from torch import Tensor

from faststyle.core.assets import bundled_file
from faststyle.core.errors import UserError
from faststyle.images.files import load_picture_bytes
from faststyle.images.pillow import as_seen
from faststyle.images.pixels import resize, scaled_size, to_unit

# Of a style image once it is scaled: the loss network takes about 6 kB for each.
_MAX_SCALED_PIXELS = 4_000_000

#: Left, top, right, bottom.
WHOLE = (0.0, 0.0, 1.0, 1.0)

#: A path that starts so names a picture inside the package.
BUNDLED = "bundled:"


@dataclass(frozen=True)
class Style:
    """A style as its config describes it.

    Args:
        name: what its checkpoint is called.
        image: a path, ``bundled:NAME``, or several of them, mixed by ``image_weights``; none to
            download from ``url``.
        url: where the image is fetched from on first use.
        aspect: width / height that the download must have within 5 %; a wrong or cropped picture
            is refused.
        size: the short side, in pixels, that the image is scaled to before brush strokes are
            measured: larger means larger strokes.
        crop: what is learnt of each image: left, top, right, bottom in parts of its width and
            height. A frame, or a post at an edge, is painted along the edges of photos.
        image_weights: one weight for each image; equal if none.
        title, artist, year, license: carried into the checkpoint.
        cache: the folder of downloads.
        share: where several styles are trained together, how many of the photos this one gets.
    """

    name: str
    image: str | Sequence[str] | None = None
    url: str | None = None
    aspect: float | None = None
    size: int = 256
    crop: Sequence[float] = WHOLE
    image_weights: Sequence[float] | None = None
    title: str | None = None
    artist: str | None = None
    year: int | str | None = None
    license: str | None = None
    cache: str = "~/.cache/faststyle"
    share: float = 1.0

    def __post_init__(self) -> None:
        """Raise ``UserError`` for a size without strokes, or a share or crop that is none."""
        _check_share(self.name, self.share)
        if self.size < 8:
            raise UserError(f"style.size is {self.size}; brush strokes need at least 8 pixels")
        left, top, right, bottom = self.crop if len(self.crop) == 4 else (1, 1, 0, 0)
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise UserError(
                f"style {self.name}: crop is {list(self.crop)}: left, top, right, bottom must be"
                " from 0 to 1"
            )

    def paths(self) -> list[Path]:
        """The image files, downloaded if need be. Raises ``UserError`` if one cannot be had."""
        if self.image is None:
            return [self._download()]
        given = [self.image] if isinstance(self.image, str | os.PathLike) else list(self.image)
        if not given:
            raise UserError("style.image is an empty list; name at least one picture")
        return [local_image(str(path)) for path in given]

    def load(self) -> list[tuple[Tensor, float]]:
        """Each image scaled to ``size``, (3, H, W) in [0, 1], and its weight in the mixture.

        Raises ``UserError`` if an image is missing, corrupt, or the weights do not match.
        """
        paths = self.paths()
        weights = [1.0] * len(paths) if self.image_weights is None else list(self.image_weights)
        if len(weights) != len(paths) or any(w < 0 for w in weights) or sum(weights) <= 0:
            raise UserError(
                f"style.image_weights must be {len(paths)} numbers >= 0, not all 0: {weights}"
            )
        return [(self._scaled(path), w) for path, w in zip(paths, weights, strict=True)]

    def _scaled(self, path: Path) -> Tensor:
        left, top, right, bottom = self.crop
        kept = min(right - left, bottom - top)
        seen = as_seen(load_picture_bytes(path, short_side=ceil(self.size / kept)))
        pixels = to_unit(_part(seen, self.crop))
        height, width = scaled_size(pixels, self.size)
        if height * width > _MAX_SCALED_PIXELS:
            raise UserError(
                f"{path}: {width} x {height} pixels at style.size={self.size} are more than the"
                f" limit of {_MAX_SCALED_PIXELS:,}; crop the picture, or lower style.size"
            )
        return resize(pixels, self.size)

    def digests(self) -> tuple[str, ...]:
        """The SHA-256 of each image's file. Raises ``UserError`` if one cannot be had."""
        return tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in self.paths())

    def _download(self) -> Path:
        path = Path(self.cache).expanduser() / "styles" / f"{self.name}.jpg"
        if path.exists():
            return path
        if self.url is None:
            raise UserError(
                f'style "{self.name}" has no image: set its image=PATH, or put it at {path}'
            )
        # Imported late: a painting that is there needs no requests.
        from faststyle.core.downloads import fetch_small

        try:
            fetch_small(self.url, path, self._check)
        except UserError as error:
            raise UserError(f"{error}; or pass style.image=/path/to/painting.jpg") from None
        return path

    def _check(self, path: Path) -> None:
        height, width = load_picture_bytes(path).size
        if min(width, height) < 256:
            raise UserError(f"{self.url} gave only {width} x {height} pixels")
        if self.aspect and abs(width / height / self.aspect - 1) > 0.05:
            raise UserError(
                f"{self.url} gave another picture ({width} x {height}) than {self.name}"
            )


@dataclass(frozen=True)
class Identity:
    """A style without a painting: each photo is to keep its own statistics (Ghiasi et al., 2017).

    Between it and a painting's style a network makes the paint gradually thicker, for
    ``--strength``. ``name`` is :data:`faststyle.styles.metadata.IDENTITY`; ``share`` as of a
    :class:`Style`. Raises ``UserError`` for a share that is not above 0.
    """

    name: str
    share: float = 1.0

    def __post_init__(self) -> None:
        """Raise ``UserError`` for a share that is none."""
        _check_share(self.name, self.share)

    def load(self) -> list[tuple[Tensor, float]]:
        """No painting."""
        return []


def _check_share(name: str, share: float) -> None:
    if not share > 0:
        raise UserError(f"style {name}: share is {share}; it must be above 0")


def _part(pixels: Tensor, crop: Sequence[float]) -> Tensor:
    """Of (3, H, W) at least one row and one column."""
    left, top, right, bottom = crop
    rows, columns = (
        slice(min(floor(first * side), side - 1), ceil(last * side))
        for first, last, side in ((top, bottom, pixels.shape[1]), (left, right, pixels.shape[2]))
    )
    return pixels[:, rows, columns]


def local_image(given: str) -> Path:
    """The file that a path or ``bundled:NAME`` means. Raises ``UserError`` if there is none."""
    if given.startswith(BUNDLED):
        path = bundled_file(given.removeprefix(BUNDLED))
    else:
        path = Path(given).expanduser()
    if not path.is_file():
        raise UserError(f"no such style image: {given}")
    return path
