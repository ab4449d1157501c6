"""Styles that go where masks say, several of them in one picture."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from faststyle.images.arrays import Photos, to_mask, to_pictures
from faststyle.images.pixels import Picture
from faststyle.styles.loading import read_any_style
from faststyle.stylize.color import blend, needs_all
from faststyle.stylize.image_processor import Progress, no_progress
from faststyle.stylize.masks import alpha_blend, bounding_box, composite_alphas, feather, opacity
from faststyle.stylize.options import DEFAULT_RENDER, RenderOptions
from faststyle.stylize.passes import RegionStatistics
from faststyle.stylize.stylizer import Stylizer, restore_protected

#: Pixels around a region that the network sees, too, so that its border is not that of a picture.
MARGIN = 32
_EVERYWHERE = slice(None), slice(None)


class Regions:
    """Several styles, each of which goes where a mask of its own says, or one that does.

    >>> regions = Regions.load(["great_wave", "starry_night"])
    >>> result = regions(photo, [None, sky])  # the sky is a starry night, and the rest a wave

    A network sees the rectangle around its region. Styles of one file are applied in one pass.

    Args:
        stylizers: the styles; a later one lies over earlier ones.

    Raises:
        ValueError: there is none.
    """

    #: By how much results are larger than pictures, once these are scaled.
    factor: int = 1

    def __init__(self, stylizers: Sequence[Stylizer]) -> None:
        self.stylizers = list(stylizers)
        if not self.stylizers:
            raise ValueError("regions need a style at least")
        #: What results are called by.
        self.name = "-and-".join(dict.fromkeys(stylizer.name for stylizer in stylizers))

    @classmethod
    def load(cls, styles: Sequence[str], **options: Any) -> "Regions":
        """Load each style as :meth:`Stylizer.load` does, and each file once."""
        read = cache(read_any_style)
        return cls([Stylizer.load(style, read=read, **options) for style in styles])

    def __call__(
        self,
        photos: Photos,
        masks: Sequence[Any],
        options: RenderOptions = DEFAULT_RENDER,
        progress: Progress = no_progress,
    ) -> Photos:
        """Stylize a photo, or a batch of one size, as :meth:`Stylizer.__call__` does.

        ``masks``: for each style a tensor or array (H, W), float in [0, 1], uint8 or bool, or a
        Pillow image of any mode; none is everywhere. Also raises ``ValueError`` for another number
        of masks than of styles, and for a mask of another shape, type or range.
        """
        pictures, back = to_pictures(photos)
        if len(masks) != len(self.stylizers):
            wanted = f"it takes one for each of {len(self.stylizers)} styles"
            raise ValueError(f"{len(masks)} masks were given; {wanted}")
        where = torch.cat([to_mask(mask, pictures[0].size) for mask in masks])
        pictures = [replace(picture, masks=where) for picture in pictures]
        stylized: Photos = back(self.process(pictures, options, progress))
        return stylized

    def process(
        self,
        pictures: Sequence[Picture],
        options: RenderOptions = DEFAULT_RENDER,
        progress: Progress = no_progress,
        origin: tuple[int, int] = (0, 0),
    ) -> list[Picture]:
        """Stylize decoded pictures with masks, as :meth:`Stylizer.process` does those without."""
        return [self._process(picture, options, progress, origin) for picture in pictures]

    def _process(
        self, picture: Picture, options: RenderOptions, progress: Progress, origin: tuple[int, int]
    ) -> Picture:
        [picture] = self.stylizers[0].prepare([picture], options)
        assert picture.masks is not None
        seen = composite_alphas(feather(picture.masks, options.feather))
        result = picture.pixels.clone()
        for chosen in self._passes(picture, options):
            region = seen[chosen].amax(0)
            if not region.any():
                continue
            stylizer = self.stylizers[chosen[0]]
            # Large strokes are made on a smaller picture.
            margin = round(MARGIN * max(1.0, stylizer.scale))
            box = bounding_box(region, margin) if options.statistics == "region" else _EVERYWHERE
            photo = picture.pixels[:, *box]
            statistics = self._statistics(chosen, seen[:, *box], options)
            plan = stylizer.plan_pass([replace(picture, pixels=photo)], options, progress, origin)
            stylized = stylizer.run_network(photo[None], plan, statistics)[0]
            # Each region has the colors of its own part of the photo.
            for layer in [[each] for each in chosen] if needs_all(options.color) else [chosen]:
                weights = seen[layer].amax(0)[box]
                if weights.any():
                    blended = blend(stylized, photo, options.color, plan.strength, weights)
                    alpha_blend(result[:, *box], blended, opacity(seen[:, *box], layer))
        return restore_protected(picture, result)

    def _passes(self, picture: Picture, options: RenderOptions) -> list[list[int]]:
        """Which styles go together in one pass: of one file all, unless it is one of strips."""
        first, *others = self.stylizers
        is_one_file = first.multi_style_network is not None and all(
            other.multi_style_network is first.multi_style_network and other.scale == first.scale
            for other in others
        )
        is_whole = first.plan_pass([picture], options).rows is None
        numbers = list(range(len(self.stylizers)))
        if is_one_file and is_whole and options.statistics == "region":
            return [numbers]
        return [[number] for number in numbers]

    def _statistics(
        self, chosen: Sequence[int], seen: Tensor, options: RenderOptions
    ) -> RegionStatistics | None:
        """Where chosen styles take their statistics from, ``seen`` being the masks of all."""
        if options.statistics == "picture":
            return None
        there = [number for number in chosen if seen[number].any()]
        if len(chosen) == 1:
            return RegionStatistics(seen[there])
        weights = [self.stylizers[number].weights_at(options.strength) for number in there]
        of_regions = torch.stack([each for each in weights if each is not None])
        return RegionStatistics(
            seen[there], self.stylizers[there[0]].multi_style_network, of_regions
        )
