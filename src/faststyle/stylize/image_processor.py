"""What batches of files and clips ask of whatever makes pictures of pictures."""

from collections.abc import Sequence
from typing import Protocol

from faststyle.images.picture import Picture
from faststyle.stylize.options import StylizeOptions
from faststyle.stylize.tiling import Progress


class ImageProcessor(Protocol):
    """One or several styles, or an enlarger."""

    name: str
    """What results are called by."""
    factor: int
    """By how much results are larger than pictures, once these are scaled."""

    def stylize(
        self,
        pictures: Sequence[Picture],
        options: StylizeOptions = ...,
        progress: Progress = ...,
    ) -> list[Picture]:
        """What becomes of decoded pictures of one size; see :meth:`Stylizer.stylize`."""
        ...

    def place_noise(self, row: int, column: int) -> None:
        """See :func:`faststyle.networks.noise.place_noise`."""
