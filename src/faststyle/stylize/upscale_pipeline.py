"""A style at the size that it suits, and its result as large as a print needs."""

from collections.abc import Sequence

from faststyle.core.errors import UserError
from faststyle.images.picture import Picture
from faststyle.stylize import tiling
from faststyle.stylize.image_processor import ImageProcessor
from faststyle.stylize.options import StylizeOptions
from faststyle.stylize.upscaler import Upscaler

_AS_THEY_ARE = StylizeOptions()


class StylizeThenUpscale:
    """What a style makes of pictures, enlarged: strokes grow with the picture, and stay sharp.

    Args:
        painter: one or several styles.
        enlarger: what goes over the painted picture.
    """

    def __init__(self, painter: ImageProcessor, enlarger: Upscaler) -> None:
        self.painter, self.enlarger = painter, enlarger
        self.factor = painter.factor * enlarger.factor
        #: What results are called by, ``starry_night-x4``.
        self.name = f"{painter.name}-{enlarger.name}"

    def stylize(
        self,
        pictures: Sequence[Picture],
        options: StylizeOptions = _AS_THEY_ARE,
        progress: tiling.Progress = lambda *_: None,
    ) -> list[Picture]:
        """Paint, as :meth:`Stylizer.stylize`, and enlarge, as :meth:`Upscaler.stylize`.

        ``options.max_pixels`` is of the result. Raises ``UserError`` as both, before painting if
        the result would be too large.
        """
        for picture in pictures:
            self.enlarger.check(*options.size_of(picture), options)
        return self.enlarge(self.painter.stylize(pictures, options, progress), options, progress)

    def enlarge(
        self,
        painted: Sequence[Picture],
        options: StylizeOptions,
        progress: tiling.Progress = lambda *_: None,
    ) -> list[Picture]:
        """Enlarge what is painted already; of ``options`` those count that are of the result."""
        of_result = StylizeOptions(
            tile=options.tile, max_pixels=options.max_pixels, bit_depth=options.bit_depth
        )
        return self.enlarger.stylize(painted, of_result, progress)

    def place_noise(self, row: int, column: int) -> None:
        """See :func:`faststyle.networks.noise.place_noise`."""
        self.painter.place_noise(row, column)


def load_upscaler(given: str, device: str = "auto", precision: str = "32") -> Upscaler:
    """The one that ``given`` means: a factor, a name or a file. Raises ``UserError`` for none."""
    if given.isdecimal():
        return Upscaler.load(None, int(given), device=device, precision=precision)
    if not given:
        raise UserError("--enlarge: name a factor, as 4, or the file of what enlarges")
    return Upscaler.load(given, device=device, precision=precision)
