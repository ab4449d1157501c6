"""What batches of files and clips ask of whatever makes pictures of pictures."""

from collections.abc import Callable, Sequence
from typing import Protocol

from faststyle.images.pixels import Picture
from faststyle.stylize.options import RenderOptions

#: Called with how many parts of a picture are done, and of how many.
Progress = Callable[[int, int], None]


def no_progress(_done: int, _total: int) -> None:
    """Show nothing."""


class ImageProcessor(Protocol):
    """One or several styles, or an upscaler."""

    @property
    def name(self) -> str:
        """What results are called by."""

    @property
    def factor(self) -> int:
        """By how much results are larger than pictures, once these are scaled."""

    def process(
        self,
        pictures: Sequence[Picture],
        options: RenderOptions = ...,
        progress: Progress = ...,
        origin: tuple[int, int] = ...,
    ) -> list[Picture]:
        """What becomes of decoded pictures of one size.

        ``origin``: row and column of the scene where pictures begin, multiples of 4, so that a
        network's noise stays in its place while a camera moves.
        """
        ...
