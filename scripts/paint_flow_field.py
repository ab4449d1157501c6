"""Paint the style that ships with faststyle: brush strokes along a flow field, from a seed.

python scripts/paint_flow_field.py src/faststyle/assets/flow_field.png
"""

import argparse
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIZE, SCALE = 512, 2  # painted at twice the size and reduced, which smooths edges
PALETTE = np.array(
    [
        (18, 32, 74),  # night blue
        (24, 92, 122),  # teal
        (226, 96, 40),  # vermilion
        (246, 178, 52),  # saffron
        (250, 232, 190),  # cream
        (152, 28, 52),  # crimson
    ],
    dtype=float,
)


def smooth_noise(generator: np.random.Generator, cells: int) -> np.ndarray:
    """Noise of ``cells`` periods across the canvas, in about [-1, 1]."""
    coarse = generator.uniform(-1, 1, (cells + 1, cells + 1)).astype(np.float32)
    side = SIZE * SCALE
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def stroke(
    angle: np.ndarray, x: float, y: float, length: int, step: float
) -> list[tuple[float, float]]:
    """Points of a stroke that follows the field from (x, y)."""
    points = [(x, y)]
    side = SIZE * SCALE
    for _ in range(length):
        direction = angle[int(y) % side, int(x) % side]
        x, y = x + step * math.cos(direction), y + step * math.sin(direction)
        points.append((x, y))
    return points


def paint(seed: int) -> Image.Image:
    generator = np.random.default_rng(seed)
    side = SIZE * SCALE
    angle = math.pi * (smooth_noise(generator, 3) + 0.35 * smooth_noise(generator, 7)) * 1.3
    tone = smooth_noise(generator, 3) + 0.4 * smooth_noise(generator, 9)
    ranks = np.searchsorted(np.sort(tone.ravel()[::97]), tone) / (tone.size / 97)
    canvas = Image.new("RGB", (side, side), tuple(PALETTE[0].astype(int)))
    draw = ImageDraw.Draw(canvas)
    # Broad strokes first, then finer ones over them, as a painter would.
    for count, width, length in ((2500, 26, 16), (5000, 14, 12), (7000, 8, 9)):
        for _ in range(count):
            x, y = generator.uniform(0, side, 2)
            place = ranks[int(y), int(x)] + generator.normal(0, 0.09)
            index = int(np.clip(place * len(PALETTE), 0, len(PALETTE) - 1))
            color = PALETTE[index] * generator.uniform(0.85, 1.15) + generator.normal(0, 7, 3)
            fill = tuple(int(c) for c in np.clip(color, 0, 255))
            points = stroke(angle, float(x), float(y), length, width * 0.45)
            draw.line(
                points, fill=fill, width=int(width * generator.uniform(0.6, 1)), joint="curve"
            )
    return canvas.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    paint(args.seed).save(args.output, optimize=True)


if __name__ == "__main__":
    main()
