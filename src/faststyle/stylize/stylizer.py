"""One object that turns pictures into stylized pictures."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from faststyle.core.devices import find_device
from faststyle.core.errors import UserError
from faststyle.images.arrays import Photos, to_pictures
from faststyle.images.pixels import Picture, to_unit
from faststyle.networks import StyleInterpolator, bake_style, streaming
from faststyle.styles import StyleMetadata, TrainedStyle, find_style, mixture
from faststyle.styles.loading import is_named_after_style, read_any_style
from faststyle.styles.metadata import IDENTITY
from faststyle.styles.mixture import StyleWeights
from faststyle.styles.predicted import Painting, predict_style
from faststyle.stylize import passes
from faststyle.stylize.color import blend
from faststyle.stylize.image_processor import Progress, no_progress
from faststyle.stylize.masks import alpha_blend
from faststyle.stylize.options import DEFAULT_PRECISION, DEFAULT_RENDER, RenderOptions
from faststyle.stylize.passes import Pass, RegionStatistics, choose_dtype
from faststyle.stylize.stroke import check_stroke, scaled_for, with_stroke

#: Paint thinner than this is blended with the photo.
THIN = 0.1


def restore_protected(photo: Picture, pixels: Tensor) -> Picture:
    """The photo with other ``pixels``, which are overwritten where it is protected."""
    if photo.protect_mask is not None:
        alpha_blend(pixels, photo.pixels, photo.protect_mask[0])
    return replace(photo, pixels=pixels, masks=None, protect_mask=None)


class Stylizer:
    """A trained style, ready to be applied to photos.

    >>> stylizer = Stylizer.load("starry_night")
    >>> stylized = stylizer(photo)  # Pillow, NumPy or torch; the same out

    Of a file of several styles, any mixture is one:

    >>> stylizer = Stylizer.load("gallery", mix={"starry_night": 0.6, "the_scream": 0.4})
    >>> stylizer.mix({"udnie": 1}, stroke=1.5)

    Args:
        style: what :func:`faststyle.styles.loading.read_any_style` returned; exported models are
            computed on the CPU, whatever the next two say.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto`` (an accelerator if there is one).
        precision: ``32``, ``bf16`` or ``16``: what convolutions compute in; ``auto`` is ``bf16`` on
            a CPU that has it (twice as fast, less than a gray level off in the mean), else ``32``,
            as for results of 16 bits.
        mix: which of several styles, or what mixture of them.
        stroke: how large the strokes are, 1 being usual. Beyond the sizes that a file was trained
            at, pictures are stylized at another scale (:mod:`faststyle.stylize.stroke`).

    Several threads may call one. :meth:`mix` and :meth:`move` change it, and are not for a time at
    which another thread calls it.

    Raises:
        UserError: an unknown precision or a device that this machine lacks; a mixture or strokes
            that the file does not hold (:mod:`faststyle.styles.mixture`); a file that
            enlarges pictures.
    """

    #: By how much results are larger than pictures, once these are scaled.
    factor: int = 1

    def __init__(
        self,
        style: TrainedStyle,
        device: str = "auto",
        precision: str = DEFAULT_PRECISION,
        mix: StyleWeights = MappingProxyType({}),
        stroke: float = 1.0,
    ) -> None:
        if style.metadata.factor > 1:
            raise UserError(f"{style.metadata.name} enlarges pictures: use faststyle enlarge")
        self.device = find_device(device)
        choose_dtype(precision, self.device)
        self.precision = precision
        if stroke != 1:
            check_stroke(stroke)
        #: By how much strokes are larger than those of the network, see :func:`with_stroke`.
        self.scale = stroke
        #: What the file says, of several styles about all of them.
        self.source_metadata = self.metadata = style.metadata
        #: Of several styles, the network of all, and the weight of each.
        self.multi_style_network: nn.Module | None = None
        self.style_weights: Tensor | None = None
        network: nn.Module = style.network
        if isinstance(style, TrainedStyle) and style.metadata.styles:
            trained = mixture.trained_stroke(style.metadata, mix, stroke)
            chosen = mixture.choose(style, mix, trained)
            network, self.metadata, self.scale = chosen.network, chosen.metadata, stroke / trained
            self.multi_style_network = style.network.to(self.device)
            self.style_weights = mixture.weight_vector(style.metadata, mix, trained)
        elif mix:
            mixture.check_single(style.metadata, mix, 1.0)
        self.network = network.to(self.device).to(memory_format=torch.channels_last)
        #: What results are called by: the style's file, else what is known of the style.
        self.name = str(self.metadata.name)
        #: Bytes for each pixel; those of johnson where a network does not say.
        self._memory: int = getattr(network, "bytes_per_pixel", 350)
        every = self.multi_style_network
        self._interpolator = StyleInterpolator(every, self.network) if every is not None else None
        self._photo_weights: Tensor | None = None
        if every is not None and any(each.name == IDENTITY for each in style.metadata.styles):
            self._photo_weights = mixture.weight_vector(style.metadata, {IDENTITY: 1.0})
        #: The network of the last strength below 1, and the weights that it is baked with.
        self._thinned: tuple[Tensor, nn.Module] | None = None

    @classmethod
    def load(
        cls,
        style: str | Path,
        mix: StyleWeights | None = None,
        read: Callable[[Path], TrainedStyle] = read_any_style,
        **options: Any,
    ) -> "Stylizer":
        """Load what :func:`faststyle.styles.find_style` finds: ``gallery:starry_night``, a file.

        ``mix`` takes the place of what ``style`` says of a file of several styles, ``read`` reads
        the file, and ``options`` are those of the class. Raises ``UserError`` if there is none, or
        what the class raises.
        """
        found = find_style(str(style))
        stylizer = cls(read(found.path), mix=found.mix if mix is None else mix, **options)
        if is_named_after_style(found.path) and not stylizer.source_metadata.styles:
            stylizer.name = StyleMetadata(found.path.stem).name
        return stylizer

    def painting(self, *paintings: Photos) -> "Stylizer":
        """The style of a painting, or of several together, of a file that takes any.

        >>> stylizer = Stylizer.load("any").painting(image)

        Each is one picture as of :meth:`__call__`. Raises ``UserError`` if the file predicts
        nothing, and what the class raises.
        """
        pixels = [to_unit(to_pictures(each)[0][0].pixels).to(self.device) for each in paintings]
        given = [Painting.of_pixels(each) for each in pixels]
        style = predict_style(TrainedStyle(self.network, self.source_metadata), given)
        return Stylizer(style, str(self.device), self.precision, {style.name: 1.0})

    def mix(self, mix: StyleWeights, stroke: float = 1.0) -> None:
        """Change the mixture of styles at once. Raises what the class raises."""
        self.move(mix, stroke)(1.0)
        self.metadata = mixture.mixture_metadata(self.source_metadata, mix)
        self.name = str(self.metadata.name)

    def move(self, mix: StyleWeights, stroke: float = 1.0) -> Callable[[float], None]:
        """What moves the mixture from what it is now (0) to another (1), by any part of the way.

        Raises what the class raises.
        """
        start, scale = self.style_weights, self.scale
        if start is None or self._interpolator is None:
            raise UserError(f"{self.name} is a file of one style: it has no others to mix it with")
        check_stroke(stroke)
        trained = mixture.trained_stroke(self.source_metadata, mix, stroke)
        end = mixture.weight_vector(self.source_metadata, mix, trained)
        return partial(self._move, start, end, scale, stroke / trained / scale)

    def _move(self, start: Tensor, end: Tensor, scale: float, growth: float, part: float) -> None:
        assert self._interpolator is not None
        self.scale = scale * growth**part
        self.style_weights = torch.lerp(start, end, part)
        self._interpolator.mix(self.style_weights)

    def __call__(
        self,
        photos: Photos,
        options: RenderOptions = DEFAULT_RENDER,
        progress: Progress = no_progress,
    ) -> Photos:
        """Stylize a photo, or a batch of one size.

        Args:
            photos: a tensor (N, 3, H, W) or (3, H, W), an array (N, H, W, 3) or (H, W, 3), RGB,
                float in [0, 1] or uint8; or a Pillow image.
            options: how.
            progress: called with the number of strips done and of all, if there are any.

        Returns:
            The same form, dtype and device as ``photos``, and the same shape unless
            ``options.size`` asks for another.

        Raises:
            UserError: photos that are too large, too little memory, or ``options.tile`` for a
                network that needs whole pictures.
            ValueError: another shape or range than stated.
            TypeError: none of these forms.
        """
        pictures, back = to_pictures(photos)
        stylized: Photos = back(self.process(pictures, options, progress))
        return stylized

    def process(
        self,
        pictures: Sequence[Picture],
        options: RenderOptions = DEFAULT_RENDER,
        progress: Progress = no_progress,
        origin: tuple[int, int] = (0, 0),
    ) -> list[Picture]:
        """Stylize decoded pictures of one size together, keeping alpha and ICC profiles.

        They have no masks, which :class:`faststyle.stylize.regions.Regions` knows. Results have the
        type of pixels that ``pictures`` have. Raises the ``UserError`` of :meth:`__call__`.
        """
        pictures = self.prepare(pictures, options)
        plan = self.plan_pass(pictures, options, progress, origin)
        if plan.rows:
            stylized = [self.run_network(picture.pixels[None], plan)[0] for picture in pictures]
        else:
            first, *others = (to_unit(picture.pixels) for picture in pictures)
            batch = torch.stack([first, *others]) if others else first[None]
            stylized = list(self.run_network(batch, plan))
        return [
            restore_protected(picture, blend(each, picture.pixels, options.color, plan.strength))
            for picture, each in zip(pictures, stylized, strict=True)
        ]

    def prepare(self, pictures: Sequence[Picture], options: RenderOptions) -> list[Picture]:
        """Pictures of one size as the network should see them. Raises ``UserError``."""
        if self.source_metadata.takes_paintings:
            mixture.check_has_style(self.source_metadata)
        size = pictures[0].size_at(options.size)
        limit = passes.pixel_limit(options, bool(self._rows(options.tile, size, len(pictures))))
        passes.check_pixels(self._largest(size), limit, self._memory)
        return [
            picture.without_hidden().scaled(options.size, options.max_pixels)
            for picture in pictures
        ]

    def plan_pass(
        self,
        pictures: Sequence[Picture],
        options: RenderOptions,
        progress: Progress = no_progress,
        origin: tuple[int, int] = (0, 0),
    ) -> Pass:
        """How the network goes over prepared pictures. Raises ``UserError``."""
        rows = self._rows(options.tile, pictures[0].size, len(pictures))
        bit_depth = max(picture.bit_depth for picture in pictures)
        dtype = choose_dtype(self.precision, self.device, bit_depth)
        network, strength = self._at_strength(options.strength)
        return Pass(network, self.device, dtype, strength, rows, progress, origin)

    def run_network(
        self, pictures: Tensor, plan: Pass, regions: RegionStatistics | None = None
    ) -> Tensor:
        """What the network makes of pictures (N, 3, H, W); see :meth:`Pass.run`."""
        return with_stroke(lambda each: plan.run(each, regions), pictures, self.scale)

    def weights_at(self, strength: float) -> Tensor | None:
        """The weight of each style (S,), of which the photo itself has what ``strength`` leaves.

        None for a file of one style. In a file that does not know the photo as a style, a strength
        changes nothing.
        """
        if self._photo_weights is None or self.style_weights is None:
            return self.style_weights
        return torch.lerp(self._photo_weights, self.style_weights, strength)

    def _at_strength(self, strength: float) -> tuple[nn.Module, float]:
        """The network that makes as thick paint, and how much of its result is to be blended in."""
        if self._photo_weights is None or self.multi_style_network is None or strength == 1:
            return self.network, strength
        weights, thinned = self.weights_at(strength), self._thinned
        assert weights is not None
        if thinned is None or not torch.equal(thinned[0], weights):
            network = bake_style(self.multi_style_network, weights.to(self.device))
            thinned = weights, network.to(memory_format=torch.channels_last)
            self._thinned = thinned
        # No network leaves a photo quite as it is.
        return thinned[1], min(1.0, strength / THIN)

    def _largest(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size of the largest picture that the network sees of one of that size."""
        return size if self.scale >= 1 else scaled_for(self.scale, *size)

    def _rows(self, tile: int | str, size: tuple[int, int], count: int) -> int | None:
        rows = passes.rows_at_once(tile, self._largest(size), count, self.device, self._memory)
        if rows is None or streaming.can_stream(self.network):
            return rows
        if tile == "auto":
            return None
        raise UserError(f"{self.name}: networks of this kind need whole pictures: tile=off")
