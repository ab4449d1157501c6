"""What the demo does in a process of its own, so that no photo can end the server."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

from faststyle.apps.listing import arrange, describe
from faststyle.core.devices import reuse_freed_memory
from faststyle.core.errors import UserError, is_out_of_memory
from faststyle.core.processes import fresh_processes
from faststyle.images.files import load_picture_bytes
from faststyle.images.pillow import to_pil
from faststyle.images.pixels import Picture, to_unit
from faststyle.images.probe import TooLargeError
from faststyle.styles.catalog import label
from faststyle.styles.loading import styles_beside
from faststyle.styles.predicted import PAINTING_SIZE
from faststyle.stylize.stylizer import Stylizer

log = logging.getLogger(__name__)

#: Seconds after which the work on a photo is ended.
TIME_LIMIT = 60.0
#: Pixels of a photo, which a small file can have many of, and of what is made of it.
MAX_PIXELS = 25_000_000
MAX_RESULT = 2_500_000
#: The short side of what a browser is shown of a photo that it cannot read itself.
_PREVIEW = 1080
#: The style that looks at a visitor's painting.
_ANY = "any"
_OUT_OF_MEMORY = "There is too little memory here for that size. Choose a smaller one."


class VisitorError(Exception):
    """Why a visitor gets no picture; ``remedy`` is what the page offers.

    That is ``again``, ``smaller``, or ``none``.
    """

    def __init__(self, message: str, remedy: str = "none") -> None:
        super().__init__(message, remedy)  # both, so that it can be pickled
        self.remedy = remedy

    def __str__(self) -> str:
        return str(self.args[0])


class ModelRegistry:
    """The styles of the page, each loaded when it is first asked for; a file of several is one.

    ``options``: for :meth:`Stylizer.load`. Raises ``UserError`` if there is no such style.
    """

    def __init__(self, given: Sequence[str], options: Mapping[str, Any]) -> None:
        self.programs: dict[str, str] = {}
        for style in given:
            found, names = styles_beside(style)
            if names and len(found.mix) < 2:
                self.programs[found.path.stem] = f"{found.path}:{names[0]}"
            else:
                self.programs[label(style)] = style
        self._load = cache(lambda style: Stylizer.load(style, **options))

    def list(self) -> list[dict[str, Any]]:
        """What the page shows of all programs, see :func:`arrange`."""
        loaded = {name: self._load(style) for name, style in self.programs.items()}
        return arrange([{"name": name} | describe(each) for name, each in loaded.items()])

    def choose(self, program: str, mixture: Mapping[str, float]) -> Stylizer:
        """A style, or a mixture of those in its file. Raises ``VisitorError``."""
        if program not in self.programs:
            raise VisitorError("There is no such style here.")
        stylizer: Stylizer = self._load(self.programs[program])
        if mixture or stylizer.source_metadata.styles:
            try:
                stylizer.mix(mixture)
            except UserError:
                raise VisitorError("Give one of the styles more than nothing.") from None
        return stylizer

    def paint_like(self, painting: Picture) -> Stylizer:
        """The style that is predicted for a painting. Raises ``VisitorError`` if it is none."""
        try:
            takes_any: Stylizer = self._load(_ANY)
            return takes_any.painting(to_unit(painting.pixels))
        except UserError as error:
            problem = str(error)
            raise VisitorError(f"{problem[0].upper()}{problem[1:]}.") from None


_registry: ModelRegistry


def start(given: Sequence[str], options: Mapping[str, Any]) -> None:
    """Prepare this process."""
    global _registry
    reuse_freed_memory()
    _registry = ModelRegistry(given, options)


def programs() -> list[dict[str, Any]]:
    """What the page offers."""
    return _registry.list()


def stylize(photo: Path, program: str, mixture: Mapping[str, float], size: int) -> bytes:
    """The photo, of whatever kind a visitor sent, stylized, as a PNG file.

    ``program``: one of :func:`programs`, by name; ``mixture``: of its styles, if it has several.
    ``size``: the short side in pixels; less if the photo has less, or the long one were too long.

    Raises ``VisitorError`` for no such style, no picture, or too large a one.
    """
    stylizer = _registry.choose(program, mixture)
    with _within_memory():
        [result] = stylizer.process([read(photo, size)])
        return _png(result)


def paint_like(photo: Path, painting: Path, size: int) -> bytes:
    """The photo painted like another picture, as a PNG file; ``size`` as of :func:`stylize`.

    Raises ``VisitorError`` for no picture, too large a one, or a painting without strokes.
    """
    stylizer = _registry.paint_like(read(painting, PAINTING_SIZE))
    with _within_memory():
        [result] = stylizer.process([read(photo, size)])
        return _png(result)


def preview(photo: Path) -> bytes:
    """The photo as a PNG file, for a browser that cannot read it. Raises ``VisitorError``."""
    with _within_memory():
        return _png(read(photo, _PREVIEW))


def read(photo: Path, size: int) -> Picture:
    """A visitor's photo, scaled down. Raises ``VisitorError``."""
    try:
        picture = load_picture_bytes(photo, MAX_PIXELS, size)
    except TooLargeError:
        most = f"{MAX_PIXELS // 10**6} megapixels"
        raise VisitorError(f"This photo is too large: more than {most}.") from None
    except UserError:
        raise VisitorError("This is not a photo that can be read here, or it is damaged.") from None
    short, long = sorted(picture.pixels.shape[1:])
    bounded = math.isqrt(MAX_RESULT * short // long)
    small = max(1, min(size, short, bounded))
    return picture.with_depth(8).without_hidden().scaled(small, MAX_PIXELS)


@contextmanager
def _within_memory() -> Iterator[None]:
    """Tell a visitor where memory ends, which a stylizer says by a ``UserError``."""
    try:
        yield
    except (UserError, RuntimeError, MemoryError) as error:
        if not (isinstance(error, UserError) or is_out_of_memory(error)):
            raise
        raise VisitorError(_OUT_OF_MEMORY, "smaller") from None


def _png(picture: Picture) -> bytes:
    image = to_pil(picture.pixels)
    if picture.alpha is not None:
        image.putalpha(to_pil(picture.alpha))
    file = BytesIO()
    image.save(file, "PNG", compress_level=1, icc_profile=picture.icc_profile)
    return file.getvalue()


class WorkerPool:
    """A process that does the work; one that dies, or takes too many seconds, is replaced.

    ``styles`` and ``options`` are those of :class:`ModelRegistry`.
    """

    def __init__(
        self, styles: Sequence[str], options: Mapping[str, Any], time_limit: float = TIME_LIMIT
    ) -> None:
        context, given = fresh_processes(__name__), (styles, options)
        self._pool = ProcessPool(1, initializer=start, initargs=given, context=context)
        self._time_limit = time_limit

    async def do(self, what: Callable[..., Any], *arguments: Any, limited: bool = True) -> Any:
        """What ``what`` returns there. Raises ``VisitorError``."""
        limit = self._time_limit if limited else None
        future = self._pool.schedule(what, arguments, timeout=limit)
        try:
            return await asyncio.wrap_future(future)
        except (TimeoutError, ProcessExpired) as error:
            log.warning("%s: %s", what.__name__, error)
            problem = "This photo takes more than can be done here. Choose a smaller size."
            raise VisitorError(problem, "smaller") from None

    def close(self) -> None:
        """End the process."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()
