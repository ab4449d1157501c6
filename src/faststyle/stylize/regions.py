"""Styles that go where masks say, several of them in one picture."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faststyle.images.arrays import Photos, check_values, to_batch
from faststyle.images.picture import Picture
from faststyle.images.pillow import from_pil, turn_upright
from faststyle.images.pixels import quantize, to_unit
from faststyle.stylize import tiling
from faststyle.stylize.blend import blend
from faststyle.stylize.color import needs_all
from faststyle.stylize.masks import (
    alpha_blend,
    bounding_box,
    composite_alphas,
    everywhere,
    feather,
    mask_of,
    opacity,
    restore_protected,
)
from faststyle.stylize.options import StylizeOptions
from faststyle.stylize.region_statistics import RegionStatistics
from faststyle.stylize.stylizer import Stylizer, read_file

#: Pixels around a region that the network sees, too, so that its border is not that of a picture.
MARGIN = 32
_EVERYWHERE = slice(None), slice(None)
_AS_THEY_ARE = StylizeOptions()


class Regions:
    """Several styles, each of which goes where a mask of its own says, or one that does.

    >>> regions = Regions.load(["great_wave", "starry_night"])
    >>> result = regions(photo, [None, sky])  # the sky is a starry night, and the rest a wave

    A network sees the rectangle around its region. Styles of one file are painted in one pass.

    Args:
        stylizers: the styles; a later one lies over earlier ones.

    Raises:
        ValueError: there is none.
    """

    #: As of :class:`Stylizer`.
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
        read = cache(read_file)
        return cls([Stylizer.load(style, read=read, **options) for style in styles])

    def __call__(
        self,
        photo: Photos,
        masks: Sequence[Any],
        options: StylizeOptions = _AS_THEY_ARE,
    ) -> Photos:
        """Stylize a photo.

        Args:
            photo: as for :class:`Stylizer`, a single one.
            masks: for each style a tensor or array (H, W), float in [0, 1], uint8 or bool, or a
                Pillow image of any mode; none is everywhere.
            options: how; of these, neither ``size`` nor what is of files counts.

        Returns:
            The same form, shape, dtype and device as ``photo``.

        Raises:
            UserError: as :meth:`Stylizer.stylize`.
            ValueError: another number of masks than of styles, another shape, type or range.
        """
        batch, back = to_batch(photo)
        if len(batch) != 1 or len(masks) != len(self.stylizers):
            raise ValueError(
                f"{len(batch)} photos and {len(masks)} masks were given; it takes one photo,"
                f" and a mask for each of {len(self.stylizers)} styles"
            )
        size = batch.shape[2], batch.shape[3]
        picture = Picture(batch[0], masks=torch.cat([_as_mask(mask, size) for mask in masks]))
        [result] = self.stylize([picture], replace(options, size=None))
        stylized: Photos = back(result.pixels[None])
        return stylized

    def stylize(
        self,
        pictures: Sequence[Picture],
        options: StylizeOptions = _AS_THEY_ARE,
        progress: tiling.Progress = lambda *_: None,
    ) -> list[Picture]:
        """Stylize decoded pictures with masks; otherwise as :meth:`Stylizer.stylize`."""
        return [self._stylize(picture, options, progress) for picture in pictures]

    def place_noise(self, row: int, column: int) -> None:
        """See :func:`faststyle.networks.noise.place_noise`."""
        for stylizer in self.stylizers:
            stylizer.place_noise(row, column)

    def _stylize(
        self, picture: Picture, options: StylizeOptions, progress: tiling.Progress
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
            # Large strokes are painted on a smaller picture.
            margin = round(MARGIN * max(1.0, stylizer.scale))
            box = bounding_box(region, margin) if options.statistics == "region" else _EVERYWHERE
            photo = picture.pixels[:, *box]
            place = self._place(chosen, seen[:, *box], options)
            how = stylizer.plan_pass([replace(picture, pixels=photo)], options, progress)
            painted = stylizer.run_network(photo[None], how, place)[0]
            # Each region has the colors of its own part of the photo.
            for layer in [[each] for each in chosen] if needs_all(options.color) else [chosen]:
                weights = seen[layer].amax(0)[box]
                if weights.any():
                    blended = blend(painted, photo, options, weights)
                    alpha_blend(result[:, *box], blended, opacity(seen[:, *box], layer))
        return restore_protected(picture, result)

    def _passes(self, picture: Picture, options: StylizeOptions) -> list[list[int]]:
        """Which styles are painted together: of one file all, unless it goes in strips."""
        first, *others = self.stylizers
        is_one_file = first.multi_style_network is not None and all(
            other.multi_style_network is first.multi_style_network and other.scale == first.scale
            for other in others
        )
        every = range(len(self.stylizers))
        is_whole = first.plan_pass([picture], options).rows is None
        together = is_one_file and is_whole and options.statistics == "region"
        return [list(every)] if together else [[number] for number in every]

    def _place(
        self, chosen: Sequence[int], seen: Tensor, options: StylizeOptions
    ) -> RegionStatistics | None:
        """Where chosen styles take their statistics from, ``seen`` being the masks of all."""
        if options.statistics == "picture":
            return None
        there = [number for number in chosen if seen[number].any()]
        if len(chosen) == 1:
            return RegionStatistics(seen[there])
        shares = [self.stylizers[number].style_weights for number in there]
        mixtures = torch.stack([each for each in shares if each is not None])
        return RegionStatistics(seen[there], self.stylizers[there[0]].multi_style_network, mixtures)


def _as_mask(mask: Any, size: tuple[int, int]) -> Tensor:
    """A mask in any form as uint8 (1, H, W). Raises ``ValueError`` for another size or range."""
    if mask is None:
        return everywhere(size)
    if isinstance(mask, Image.Image):  # of any mode, as a file is
        picture = from_pil(turn_upright(mask))
        alpha = None if picture.alpha is None else to_unit(picture.alpha)
        values = mask_of(to_unit(picture.pixels), alpha)[0]
    else:
        values = mask if isinstance(mask, Tensor) else torch.from_numpy(np.array(mask))
    if values.dtype == torch.bool:
        values = values.float()
    if values.shape != size:
        raise ValueError(f"the mask is {tuple(values.shape)} and the photo {size}")
    check_values(values, "masks")
    return quantize(values.cpu())[None]
