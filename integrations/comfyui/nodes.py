"""What ComfyUI's graphs are made of: a style of a file or a painting, a mixture, and images in it.

ComfyUI keeps what a node returned until its inputs or its ``IS_CHANGED`` change, so a style is read
once, and again if its file is another.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from faststyle import Regions, Stylizer
from faststyle.core.errors import UserError
from faststyle.images.pixels import Picture, quantize
from faststyle.styles import TrainedStyle, find_style, load_style
from faststyle.styles.catalog import list_styles
from faststyle.styles.loading import read_any_style
from faststyle.styles.predicted import Painting, predict_style
from faststyle.stylize.options import COLORS, RenderOptions
from faststyle.stylize.stroke import LARGEST, SMALLEST

log = logging.getLogger(__name__)

#: ComfyUI's name for what is handed from node to node.
_TYPE = "FASTSTYLE"


class Style(NamedTuple):
    """A file of one or several styles, and which of them, or what mixture.

    ``path`` is None where the style is no file's, but predicted for a painting.
    """

    path: Path | None
    content: TrainedStyle
    mix: dict[str, float]


class LoadStyle:
    """A style by its name, or from a file or the Hugging Face Hub."""

    CATEGORY = "faststyle"
    RETURN_TYPES = (_TYPE,)
    RETURN_NAMES = ("style",)
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The names in the catalog, and a text in place of one."""
        text = {"default": "", "tooltip": "a file, or hf:owner/name, in place of the name above"}
        return {
            "required": {"style": ([style.name for style in list_styles()],)},
            "optional": {"file": ("STRING", text)},
        }

    @classmethod
    def IS_CHANGED(cls, style: str, file: str = "") -> str:
        """Another text if the file is another."""
        path = find_style(file.strip() or style).path
        return f"{path} {path.stat().st_mtime_ns}"

    def load(self, style: str, file: str = "") -> tuple[Style]:
        """Read the file."""
        found = find_style(file.strip() or style)
        return (Style(found.path, read_any_style(found.path), dict(found.mix)),)


class PaintingStyle:
    """The style of a painting that no training has seen, or of a batch of them together."""

    CATEGORY = "faststyle"
    RETURN_TYPES = (_TYPE,)
    RETURN_NAMES = ("style",)
    FUNCTION = "predict"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """One picture, or several of equal weight."""
        return {"required": {"painting": ("IMAGE",)}}

    def predict(self, painting: Tensor) -> tuple[Style]:
        """Look at paintings (B, H, W, 3), float in [0, 1]."""
        pixels = painting[..., :3].movedim(-1, 1).clamp(0, 1)
        takes_any = load_style(find_style("any").path)
        style = predict_style(takes_any, [Painting.of_pixels(each) for each in pixels])
        return (Style(None, style, {style.name: 1.0}),)


class MixStyles:
    """A mixture of two styles of one file, as those of the gallery are."""

    CATEGORY = "faststyle"
    RETURN_TYPES = (_TYPE,)
    RETURN_NAMES = ("style",)
    FUNCTION = "mix"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Two styles, and how much of the second."""
        part = {"default": 0.5, "min": 0.0, "max": 1.0, "step": 0.01}
        return {"required": {"first": (_TYPE,), "second": (_TYPE,), "part": ("FLOAT", part)}}

    def mix(self, first: Style, second: Style, part: float) -> tuple[Style]:
        """Weigh them; each may be a mixture already."""
        one_file = first.path == second.path is not None
        if not (one_file and first.mix and second.mix):
            raise UserError(
                f"{first.content.name} and {second.content.name} do not mix: choose two styles of"
                " one file, as gallery:starry_night and udnie"
            )
        mix: dict[str, float] = {}
        for style, share in ((first, 1 - part), (second, part)):
            total = sum(style.mix.values())
            for name, weight in style.mix.items():
                mix[name] = mix.get(name, 0) + share * weight / total
        return (first._replace(mix=mix),)


class Stylize:
    """Images in a style, all over or where a mask is white."""

    CATEGORY = "faststyle"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "stylize"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """Images and a style; how much of it, whose colors, how large strokes, and where."""
        strength = {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.05}
        stroke = {"default": 1.0, "min": SMALLEST, "max": LARGEST, "step": 0.05}
        return {
            "required": {
                "image": ("IMAGE",),
                "style": (_TYPE,),
                "strength": ("FLOAT", strength),
                "color": (list(COLORS),),
                "stroke": ("FLOAT", stroke),
            },
            "optional": {"mask": ("MASK",)},
        }

    def stylize(
        self,
        image: Tensor,
        style: Style,
        strength: float,
        color: str,
        stroke: float,
        mask: Tensor | None = None,
    ) -> tuple[Tensor]:
        """Stylize one image after the other.

        Args:
            image: (B, H, W, 3), or 4 with transparency, which stays; float in [0, 1].
            style: what one of the other nodes returned.
            strength: see :class:`RenderOptions`, as ``color``.
            color: whose colors.
            stroke: see :class:`Stylizer`.
            mask: (H, W) or (B, H, W), float in [0, 1], one for all or one for each; of another
                size than the images it is scaled, as ComfyUI's own nodes do.
        """
        options = RenderOptions(strength=strength, color=color)
        stylizer = Stylizer(style.content, precision="auto", mix=style.mix, stroke=stroke)
        regions = Regions([stylizer])
        masks = None if mask is None else _masks(mask, image)
        results = image.clone()
        for number in _with_progress(len(image)):
            each = image[number]
            pixels = each[..., :3].movedim(-1, 0).clamp(0, 1)
            if masks is None:
                [result] = stylizer.process([Picture(pixels)], options)
            else:
                [result] = regions.process([Picture(pixels, masks=masks[number, None])], options)
            results[number, ..., :3] = result.pixels.movedim(0, -1)
        return (results,)


def _with_progress(count: int) -> Iterator[int]:
    """The numbers of images, between which ComfyUI shows progress and heeds Cancel."""
    try:
        from comfy.model_management import throw_exception_if_processing_interrupted
        from comfy.utils import ProgressBar
    except ImportError:  # outside of ComfyUI
        yield from range(count)
        return
    progress = ProgressBar(count)
    for number in range(count):
        throw_exception_if_processing_interrupted()
        yield number
        progress.update(1)


def _masks(mask: Tensor, image: Tensor) -> Tensor:
    """As uint8 (B, H, W), one for each image. Raises ``UserError`` for another number of them."""
    count, height, width = image.shape[:3]
    masks = mask.reshape(-1, 1, *mask.shape[-2:]).float().clamp(0, 1)
    if len(masks) not in (1, count):
        raise UserError(f"{len(masks)} masks for {count} images: give one, or one for each")
    if not masks.any():  # LoadImage's own, where a picture has no transparency
        log.warning("the mask is black: nothing is painted; leave it out to paint all over")
    if masks.shape[2:] != (height, width):
        masks = torch.nn.functional.interpolate(masks, (height, width), mode="bilinear")
    return quantize(masks[:, 0]).expand(count, -1, -1)
