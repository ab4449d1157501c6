"""Photo-like pictures from a seed: dead leaves, for work with no data set.

Occluding shapes whose sizes follow a power law reproduce the edge, scale and occlusion statistics
of photos (Lee, Mumford and Huang, 2001), well enough to train features on (Baradad et al., 2021).
"""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from faststyle.data.source import SOURCES, DataSpec, DataSplits, PhotoSource
from faststyle.images.pillow import pil_to_tensor

_MIN_RADIUS, _MAX_RADIUS = 0.025, 0.7  # radius, in parts of the picture's side
_SHAPES = 160


@SOURCES.register("synthetic")
class DeadLeavesSource(PhotoSource):
    """``count`` pictures to train on, which the seed decides, and others that are held out."""

    rank = 1

    def __init__(self, count: int) -> None:
        self.count = count

    def open(self, request: DataSpec) -> DataSplits:
        """Nothing is drawn yet."""
        return DataSplits(
            DeadLeaves(self.count, request.size, request.seed),
            DeadLeaves(request.held_out, request.size, request.seed + 1),
        )


class DeadLeaves:
    """``count`` pictures of ``size`` x ``size`` pixels, each a function of seed and number."""

    def __init__(self, count: int, size: int, seed: int = 0) -> None:
        self.count, self.size, self.seed = count, size, seed

    def __len__(self) -> int:
        return self.count

    def random_crop(self, index: int, generator: np.random.Generator) -> Tensor:
        """Picture ``index``, perhaps mirrored: uint8 (3, size, size)."""
        picture = self.center_crop(index)
        return picture.flip(2) if generator.uniform() < 0.5 else picture

    def center_crop(self, index: int) -> Tensor:
        """Picture ``index``: uint8 (3, size, size)."""
        generator = np.random.default_rng((self.seed, index))
        return pil_to_tensor(dead_leaves(generator, self.size))


def dead_leaves(generator: np.random.Generator, size: int) -> Image.Image:
    """Draw one dead-leaves picture of ``size`` x ``size`` pixels, 8-bit RGB.

    Discs and polygons with p(r) ~ r^-2, colored from a small palette that the picture draws
    first, shaded as if lit from one side, slightly blurred as by a lens.
    """
    scale = 2  # drawn at twice the size and reduced, which smooths edges
    side = size * scale
    palette = _palette(generator)
    canvas = Image.new("RGB", (side, side), tuple(palette[0]))
    draw = ImageDraw.Draw(canvas)
    # p(r) ~ r^-2 between the limits, by inversion; large leaves tend to lie below small ones, or
    # the last large one would hide the rest.
    u = generator.uniform(size=_SHAPES)
    radii = 1 / (u / _MAX_RADIUS + (1 - u) / _MIN_RADIUS)
    order = np.argsort(-radii * generator.uniform(0.1, 1, size=_SHAPES))
    for radius in radii[order] * side:
        color = palette[generator.integers(len(palette))] + generator.normal(0, 12, 3)
        fill = tuple(int(c) for c in np.clip(color, 0, 255))
        center = generator.uniform(-0.1, 1.1, 2) * side
        _draw_leaf(draw, generator, center, float(radius), fill)
    return _shade(canvas.resize((size, size), Image.Resampling.BOX), generator)


def _palette(generator: np.random.Generator) -> np.ndarray:
    """Six colors (6, 3) around a light-to-dark axis: photos vary more in light than in hue."""
    light = generator.uniform(20, 235, (6, 1))
    tint = generator.normal(0, 30, (6, 3)) + generator.normal(0, 18, 3)
    tint -= tint.mean(1, keepdims=True)
    return np.clip(light + tint, 0, 255).astype(int)


def _draw_leaf(
    draw: ImageDraw.ImageDraw,
    generator: np.random.Generator,
    center: np.ndarray,
    radius: float,
    fill: tuple[int, ...],
) -> None:
    x, y = center
    if generator.uniform() < 0.5:
        aspect = generator.uniform(0.5, 1)
        draw.ellipse((x - radius, y - radius * aspect, x + radius, y + radius * aspect), fill=fill)
        return
    corners = int(generator.integers(3, 8))
    angles = np.sort(generator.uniform(0, 2 * math.pi, corners))
    reach = radius * generator.uniform(0.6, 1.3, corners)
    points = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], 1)
    draw.polygon([tuple(point) for point in points.tolist()], fill=fill)


def _shade(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Add light falling off across the picture, soft 1/f mottling and fine grain."""
    size = image.size[0]
    axis = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    slope = generator.uniform(-0.5, 0.5, 2).astype(np.float32)
    light = 1 + slope[0] * axis[None, :] + slope[1] * axis[:, None]
    for cells, strength in ((4, 0.12), (16, 0.06)):
        noise = generator.uniform(-1, 1, (cells, cells)).astype(np.float32)
        smooth = Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC)
        light += strength * np.asarray(smooth)
    blurred = image.filter(ImageFilter.GaussianBlur(float(generator.uniform(0.2, 0.6))))
    grain = generator.normal(0, 3, (size, size, 1)).astype(np.float32)
    pixels = np.asarray(blurred, dtype=np.float32) * light[:, :, None] + grain
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
