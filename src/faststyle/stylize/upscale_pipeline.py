"""A style at the size that it suits, and its result as large as a print needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from faststyle.images.pixels import Picture
from faststyle.stylize.image_processor import ImageProcessor, Progress, no_progress
from faststyle.stylize.options import DEFAULT_RENDER, RenderOptions
from faststyle.stylize.upscaler import Upscaler


@dataclass(frozen=True)
class StylizeThenUpscale:
    """What one or several styles make of pictures, enlarged: strokes grow too and stay sharp."""

    stylizer: ImageProcessor
    upscaler: Upscaler

    @property
    def name(self) -> str:
        """What results are called by, ``starry_night-x4``."""
        return f"{self.stylizer.name}-{self.upscaler.name}"

    @property
    def factor(self) -> int:
        """By how much results are larger than pictures, once these are scaled."""
        return self.stylizer.factor * self.upscaler.factor

    def process(
        self,
        pictures: Sequence[Picture],
        options: RenderOptions = DEFAULT_RENDER,
        progress: Progress = no_progress,
        origin: tuple[int, int] = (0, 0),
    ) -> list[Picture]:
        """Stylize and enlarge; ``options.max_pixels`` is of the result.

        Raises ``UserError`` before stylizing if the result would be too large.
        """
        for picture in pictures:
            self.upscaler.check(picture.size_at(options.size), options)
        stylized = self.stylizer.process(pictures, options, progress, origin)
        return self.upscale(stylized, options, progress)

    def upscale(
        self, stylized: Sequence[Picture], options: RenderOptions, progress: Progress = no_progress
    ) -> list[Picture]:
        """Enlarge what is stylized; of ``options`` those count that are of the result."""
        of_result = RenderOptions(tile=options.tile, max_pixels=options.max_pixels)
        return self.upscaler.process(stylized, of_result, progress)
