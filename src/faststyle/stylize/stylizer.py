"""One object that turns pictures into stylized pictures."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from faststyle.core.devices import find_device
from faststyle.core.errors import UserError
from faststyle.export import is_exported_model
from faststyle.images.arrays import Photos, to_batch
from faststyle.images.picture import Picture
from faststyle.images.pixels import MAX_PIXELS, to_unit
from faststyle.networks import StyleInterpolator, streaming
from faststyle.networks.noise import place_noise
from faststyle.styles import (
    ExportedStyle,
    StyleMetadata,
    TrainedStyle,
    find_style,
    load_style,
    read_exported_style,
)
from faststyle.styles.mixture import (
    StyleWeights,
    check_single,
    choose,
    mixture_metadata,
    trained_stroke,
    weight_vector,
)
from faststyle.stylize import tiling
from faststyle.stylize.blend import blend
from faststyle.stylize.masks import restore_protected
from faststyle.stylize.options import StylizeOptions
from faststyle.stylize.passes import Pass, choose_dtype
from faststyle.stylize.region_statistics import RegionStatistics
from faststyle.stylize.stroke import check_stroke, scaled_for, with_stroke

#: Files that people name after the style; checkpoints of training are all called alike.
_STYLES = (".safetensors", ".pth", ".model")
_AS_THEY_ARE = StylizeOptions()


def read_file(path: Path) -> TrainedStyle | ExportedStyle:
    """What a file of a style holds. Raises ``UserError`` if that is none."""
    return read_exported_style(path) if is_exported_model(path) else load_style(path)


class Stylizer:
    """A trained style, ready to be applied to photos.

    >>> stylizer = Stylizer.load("starry_night")
    >>> stylized = stylizer(photo)  # Pillow, NumPy or torch; the same out

    Of a file of several styles, any mixture is one:

    >>> stylizer = Stylizer.load("gallery", mix={"starry_night": 0.6, "the_scream": 0.4})
    >>> stylizer.mix({"udnie": 1}, stroke=1.5)

    Args:
        style: what :func:`faststyle.styles.load_style` or ``read_exported_style``
            returned; programs are computed on the CPU, whatever the next two say.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto`` (an accelerator if there is one).
        precision: ``32``, ``bf16`` or ``16``: what convolutions compute in; ``auto`` is ``bf16`` on
            a CPU that has it (twice as fast, less than a gray level off in the mean), else ``32``,
            as for results of 16 bits.
        mix: which of several styles, or what mixture of them.
        stroke: how large the strokes are, 1 being usual. Beyond the sizes that a file was trained
            at, pictures are painted at another scale (:mod:`faststyle.stylize.stroke`).

    Raises:
        UserError: an unknown precision or a device that this machine lacks; a mixture or strokes
            that the file does not hold (:mod:`faststyle.styles.mixture`); a file that
            enlarges pictures.
    """

    #: By how much results are larger than pictures, once these are scaled.
    factor: int = 1

    def __init__(
        self,
        style: TrainedStyle | ExportedStyle,
        device: str = "auto",
        precision: str = "32",
        mix: StyleWeights = MappingProxyType({}),
        stroke: float = 1.0,
    ) -> None:
        if style.metadata.factor > 1:
            raise UserError(f"{style.metadata.name} enlarges pictures: use faststyle enlarge")
        self.device = find_device(device)
        self.dtype = choose_dtype(precision, self.device)
        self._may_choose = precision == "auto"
        check_stroke(stroke)
        trained = trained_stroke(style.metadata, mix, stroke)
        #: By how much strokes are larger than those of the network, see :func:`with_stroke`.
        self.scale = stroke / trained
        chosen: TrainedStyle | ExportedStyle = style
        if isinstance(style, TrainedStyle):
            chosen = choose(style, mix, trained)
        else:
            check_single(style.metadata, mix, trained)
        self.metadata = chosen.metadata
        #: What results are called by: the style's file, else what is known of the style.
        self.name = str(self.metadata.name)
        network: nn.Module = chosen.network.to(self.device)
        self.network = network.to(memory_format=torch.channels_last)
        #: Bytes for each pixel; those of johnson where a network does not say.
        self._memory: int = getattr(network, "bytes_per_pixel", 350)
        #: What the file says, of several styles about all of them.
        self.source_metadata = style.metadata
        #: Of several styles, the network of all, and the share of each.
        self.multi_style_network = style.network.to(self.device) if chosen is not style else None
        self.style_weights = (
            weight_vector(self.source_metadata, mix, trained) if chosen is not style else None
        )
        self._mixer = (
            StyleInterpolator(style.network, self.network) if chosen is not style else None
        )

    @classmethod
    def load(
        cls,
        style: str | Path,
        mix: StyleWeights | None = None,
        read: Callable[[Path], TrainedStyle | ExportedStyle] = read_file,
        **options: Any,
    ) -> "Stylizer":
        """Load a style by its name in the catalog, or from its file.

        Args:
            style: what :func:`faststyle.styles.find_style` takes: ``gallery:starry_night``,
                too.
            mix: of a file of several styles, in place of what ``style`` says.
            read: what reads the file.
            options: as for the class.

        Raises:
            UserError: there is none; or as the class.
        """
        found = find_style(str(style))
        stylizer = cls(read(found.path), mix=found.mix if mix is None else mix, **options)
        is_named = found.path.suffix in _STYLES or is_exported_model(found.path)
        if is_named and not stylizer.source_metadata.styles:
            stylizer.name = StyleMetadata(found.path.stem).name
        return stylizer

    def mix(self, mix: StyleWeights, stroke: float = 1.0) -> None:
        """Change the mixture of styles, at once. Raises ``UserError`` as the class does."""
        self.move(mix, stroke)(1.0)
        self.metadata = mixture_metadata(self.source_metadata, mix)
        self.name = str(self.metadata.name)

    def move(self, mix: StyleWeights, stroke: float = 1.0) -> Callable[[float], None]:
        """What moves the mixture from what it is now (0) to another (1), by any part of the way.

        Raises ``UserError`` as the class does.
        """
        start, mixer, scale = self.style_weights, self._mixer, self.scale
        if start is None or mixer is None:
            raise UserError(f"{self.name} is a file of one style: it has no others to mix it with")
        check_stroke(stroke)
        trained = trained_stroke(self.source_metadata, mix, stroke)
        end, growth = weight_vector(self.source_metadata, mix, trained), stroke / trained / scale

        def move(part: float) -> None:
            self.scale = scale * growth**part
            self.style_weights = torch.lerp(start, end, part)
            mixer.mix(self.style_weights)

        return move

    def __call__(self, photos: Photos, strength: float = 1.0, color: str = "painting") -> Photos:
        """Stylize a photo, or a batch of one size.

        Args:
            photos: a tensor (N, 3, H, W) or (3, H, W), an array (N, H, W, 3) or (H, W, 3), RGB,
                float in [0, 1] or uint8; or a Pillow image.
            strength: see :class:`StylizeOptions`.
            color: see :class:`StylizeOptions`.

        Returns:
            The same form, shape, dtype and device as ``photos``.

        Raises:
            UserError: a strength outside 0..1, an unknown color, too little memory.
            ValueError: another shape than stated.
            TypeError: none of these forms.
        """
        options = StylizeOptions(strength=strength, color=color)
        batch, back = to_batch(photos)
        painted = zip(self.run_network(batch, Pass(self.device, self.dtype)), batch, strict=True)
        result: Photos = back(torch.stack([blend(each, photo, options) for each, photo in painted]))
        return result

    def stylize(
        self,
        pictures: Sequence[Picture],
        options: StylizeOptions = _AS_THEY_ARE,
        progress: tiling.Progress = lambda *_: None,
    ) -> list[Picture]:
        """Stylize decoded pictures of one size together, keeping alpha and ICC profiles.

        Args:
            pictures: as :func:`faststyle.images.files.load_picture` gives them, all of the same
                size, and without masks (:class:`faststyle.stylize.regions.Regions` knows them).
            options: how.
            progress: called with the number of strips done and of all, if ``options.tile`` makes
                any.

        Returns:
            Pictures of the same type of pixels as they came in; floats for
                ``options.bit_depth=16``.

        Raises:
            UserError: a picture that is too large, too little memory, or ``options.tile`` for a
                network that needs whole pictures.
        """
        pictures = self.prepare(pictures, options)
        how = self.plan_pass(pictures, options, progress)
        if how.rows:
            painted = [self.run_network(picture.pixels[None], how)[0] for picture in pictures]
        else:
            batch = torch.stack([to_unit(picture.pixels) for picture in pictures])
            painted = list(self.run_network(batch, how))
        return [
            restore_protected(picture, blend(each, picture.pixels, options))
            for picture, each in zip(pictures, painted, strict=True)
        ]

    def place_noise(self, row: int, column: int) -> None:
        """See :func:`faststyle.networks.noise.place_noise`."""
        for network in (self.network, self.multi_style_network):
            if network is not None:
                place_noise(network, row, column)

    def prepare(self, pictures: Sequence[Picture], options: StylizeOptions) -> list[Picture]:
        """Pictures of one size as the network should see them.

        Raises ``UserError`` as :meth:`stylize`.
        """
        height, width = options.size_of(pictures[0])
        rows = self._rows(options.tile, height, width, len(pictures))
        limit = options.max_pixels or (MAX_PIXELS if rows else tiling.MAX_PIXELS)
        tiling.check_pixels(self._largest(height, width), limit, self._memory)
        deep = [picture.with_depth(options.bit_depth).without_hidden() for picture in pictures]
        return [options.scale(picture) for picture in deep]

    def plan_pass(
        self,
        pictures: Sequence[Picture],
        options: StylizeOptions,
        progress: tiling.Progress = lambda *_: None,
    ) -> Pass:
        """How the network goes over prepared pictures. Raises ``UserError`` as :meth:`stylize`."""
        height, width = pictures[0].pixels.shape[1:]
        rows = self._rows(options.tile, height, width, len(pictures))
        # Of the 16 bits that a result may have, bf16 knows 8.
        is_deep = any(picture.bit_depth == 16 for picture in pictures)
        dtype = torch.float32 if is_deep and self._may_choose else self.dtype
        return Pass(self.device, dtype, rows, progress)

    def run_network(
        self, pictures: Tensor, how: Pass, place: RegionStatistics | None = None
    ) -> Tensor:
        """What the network makes of pictures (N, 3, H, W); see :meth:`Pass.run`."""
        return with_stroke(lambda each: how.run(self.network, each, place), pictures, self.scale)

    def _largest(self, height: int, width: int) -> tuple[int, int]:
        """The size of the largest picture that the network sees of one of that size."""
        return scaled_for(min(1.0, self.scale), height, width)

    def _rows(self, tile: int | str, height: int, width: int, count: int) -> int | None:
        largest = self._largest(height, width)
        rows = tiling.rows_at_once(tile, largest, count, self.device, self._memory)
        if rows is None or streaming.can_stream(self.network):
            return rows
        if tile == "auto":
            return None
        raise UserError(f"{self.name}: networks of this kind need whole pictures: tile=off")
