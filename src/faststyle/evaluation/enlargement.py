"""How near an enlarged photo comes to the one that was scaled down, by a network and without."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.data.degradation import degrade
from faststyle.encoder import LiteEncoder, LossNetwork
from faststyle.evaluation.photos import held_out_photos, means, squares
from faststyle.images.metrics import psnr, ssim
from faststyle.images.pillow import pil_to_tensor, to_pil
from faststyle.images.pixels import Picture, to_luma, to_unit
from faststyle.losses import RelativeEnergy
from faststyle.styles import find_style, load_style
from faststyle.stylize.options import RenderOptions, UpscaleOptions
from faststyle.stylize.upscaler import Upscaler

#: About as sharp as photos are.
_SHARPER = 1.4
#: Layers that no network here is trained on by default.
UNTRAINED = ("relu1_2", "relu3_3", "relu4_3")
#: Enlarges one picture (3, H, W) in [0, 1].
Enlarge = Callable[[Tensor], Tensor]


def evaluate_enlarger(
    checkpoint: str, photos: Path, sizes: Sequence[int], count: int
) -> dict[str, Any]:
    """Measure a trained network on photos that :func:`degrade` made small.

    Squares with sides of ``sizes`` pixels, multiples of the factor, are cut from those ``count``
    photos that training on the folder would have held out.

    Returns for each size and each way to enlarge what :func:`fidelity` says, the mean over photos.
    Raises ``UserError`` for anything that the user can put right.
    """
    upscaler = Upscaler(load_style(find_style(checkpoint).path), device="cpu", precision="32")
    factor = upscaler.factor
    ways = _ways(upscaler)
    encoder = LiteEncoder()
    held_out = held_out_photos(photos, count)
    result: dict[str, Any] = {"enlarger": upscaler.name, "photos": len(held_out)}
    for size in sizes:
        if size % factor:
            raise UserError(f"--size {size} must be a multiple of {factor}")
        found: dict[str, list[Mapping[str, float]]] = {name: [] for name in ways}
        for truth in squares(held_out, size):
            small = degrade(truth, factor)[0]
            for name, enlarge in ways.items():
                found[name].append(fidelity(enlarge(small), truth[0], factor, encoder))
        result[str(size)] = {name: means(rows) for name, rows in found.items()}
    return result


def _ways(upscaler: Upscaler) -> dict[str, Enlarge]:
    """Ways to enlarge a picture, by name."""

    def by_network(options: RenderOptions) -> Enlarge:
        return lambda small: upscaler.process([Picture(small)], options)[0].pixels

    def by_pillow(kernel: Image.Resampling) -> Enlarge:
        def enlarge(small: Tensor) -> Tensor:
            height, width = (upscaler.factor * side for side in small.shape[1:])
            return to_unit(pil_to_tensor(to_pil(small).resize((width, height), kernel)))

        return enlarge

    return {
        "bicubic": by_pillow(Image.Resampling.BICUBIC),
        "lanczos": by_pillow(Image.Resampling.LANCZOS),
        "network": by_network(RenderOptions()),
        f"network, strength {_SHARPER}": by_network(UpscaleOptions(strength=_SHARPER)),
        "network, histogram matched": by_network(RenderOptions(color="hist")),
    }


@torch.no_grad()
def fidelity(made: Tensor, truth: Tensor, border: int, encoder: LossNetwork) -> Mapping[str, float]:
    """How near ``made`` comes to ``truth``, both (3, H, W) in [0, 1].

    ``psnr`` (decibels) and ``ssim`` are of brightness, without so many pixels at each ``border``,
    as in papers on super-resolution: Y of ITU-R BT.601 in the range of video, 16 to 235 of 255.
    ``distance`` is that of :func:`perceptual_distance`. ``edges`` is the energy of brightness'
    gradients in parts of the truth's: 1 is as sharp, less is blurred.
    """
    inner = slice(border, -border)
    energy = RelativeEnergy().variation
    y, expected = (
        (16 + 219 * to_luma(each[None])[..., inner, inner]) / 255 for each in (made, truth)
    )
    return {
        "psnr": psnr(y, expected),
        "ssim": ssim(y, expected),
        "distance": perceptual_distance(made[None], truth[None], encoder),
        "edges": (energy(y) / energy(expected)).item(),
    }


def perceptual_distance(a: Tensor, b: Tensor, encoder: LossNetwork) -> float:
    """The distance of pictures (N, 3, H, W) in [0, 1] as a loss network sees them, 0 to 2.

    At each place of each layer, features are scaled to length 1, and squared differences added;
    the mean over places and layers. That is Zhang et al. (2018, LPIPS, equation 1) without learned
    weights, at :data:`UNTRAINED`.
    """
    seen = zip(encoder(a, UNTRAINED).values(), encoder(b, UNTRAINED).values(), strict=True)
    return mean(
        (F.normalize(one) - F.normalize(other)).square().sum(1).mean().item() for one, other in seen
    )


def table(result: Mapping[str, Any]) -> str:
    """``result`` of :func:`evaluate_enlarger` as lines of text."""
    lines = [f"{result['enlarger']}, {result['photos']} held-out photos; brightness, borders cut"]
    for size, found in result.items():
        if not isinstance(found, dict):
            continue
        lines.append(f"{size} x {size}")
        for name, of in found.items():
            lines.append(
                f"  {name:27} PSNR {of['psnr']:.2f} dB  SSIM {of['ssim']:.4f}"
                f"  distance {of['distance']:.4f}  edges {100 * of['edges']:.0f} %"
            )
    return "\n".join(lines)
