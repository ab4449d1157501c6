"""``evaluate``: a trained style on held-out photos, as numbers and as a table of text."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from typing import Any, NoReturn

import torch
from omegaconf import DictConfig
from torch import Tensor
from tqdm import tqdm

from faststyle.config.compose import instantiate
from faststyle.core.errors import UserError
from faststyle.encoder import LossNetwork
from faststyle.evaluation import artifacts
from faststyle.evaluation.appearance import (
    LAYER,
    MAX_SIDE,
    cfsd,
    contrast,
    frame,
    layout,
    saturation,
)
from faststyle.evaluation.lbfgs_baseline import compare
from faststyle.evaluation.patches import MIN_SIDE, patch_distances
from faststyle.evaluation.photos import held_out_photos, means, squares
from faststyle.evaluation.stability import MOTIONS, Frame, make_clip, stability
from faststyle.evaluation.trained_loss import build_loss, gatys_loss, style_overrides
from faststyle.images.pixels import Picture
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.optimization.state import starting_picture
from faststyle.styles import StyleMetadata, find_style, open_style
from faststyle.stylize.stylizer import Stylizer

#: Frames a second of clips that are made to be measured, and what counts as their border.
_RATE, _RIM = 25.0, 1 / 6
_MORE = {
    "checkerboard_db": artifacts.checkerboard,
    "bright_dots_per_million": artifacts.bright_dots,
    "stripes_per_million": artifacts.stripes,
}
_IN_FLAT = {
    "flat_grid_db": artifacts.grid,
    "flat_one_direction": artifacts.one_direction,
    "flat_spread": artifacts.spread,
}

Compose = Callable[[list[str]], DictConfig]
#: Maps frames of a clip, (1, 3, H, W) in [0, 1], one after another, to stylized ones.
Frames = Callable[[Iterator[Tensor]], Iterator[Tensor]]


def evaluate(
    compose: Compose,
    checkpoint: str,
    photos: Path,
    sizes: Sequence[int],
    count: int,
    iterations: Sequence[int],
    start: str = "content",
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """Measure a trained style: for each size, plain values that :func:`table` shows.

    Args:
        compose: the settings for training with given overrides.
        checkpoint: name or file of the style.
        photos: a folder; those ``count`` are used that training on it would have held out.
        sizes: sides in pixels of the squares that are cut from them.
        count: how many photos.
        iterations: of L-BFGS after which to compare; none leaves the optimization out.
        start: of the optimization: ``content`` or ``noise``.
        overrides: of the settings, as on the command line of ``faststyle train``.

    Raises:
        UserError: anything that the user can put right.
    """
    if len(find_style(checkpoint).mix) > 1:
        raise UserError(f"{checkpoint} is a mixture: pass a single painting, to compare it with")
    style = open_style(checkpoint)
    held_out = held_out_photos(photos, count)
    cfg = compose(style_overrides(style.metadata, overrides))
    is_chosen = any(text.startswith("loss") for text in overrides)
    loss = build_loss(cfg, StyleMetadata() if is_chosen else style.metadata)
    images = [StyleImage(*image) for image in instantiate(cfg.style).load()]
    gatys = gatys_loss(compose(["loss=gatys"]), loss.encoder, images)
    paintings = [image.pixels for image in images if min(image.pixels.shape[1:]) >= MIN_SIDE]
    stylizer = Stylizer(style, device="cpu", precision="32")
    result: dict[str, Any] = {"style": stylizer.name, "photos": len(held_out), "start": start}
    for size in sizes:
        pictures = list(squares(held_out, size))
        parities = _parities(stylizer, loss, pictures, iterations, start)
        pairs = [(stylizer(picture), picture) for picture in pictures]
        looks = [_appearance(*pair, images, loss.encoder) for pair in pairs]
        result[str(size)] = parities | {
            "gatys": means([_layers(gatys, *pair) for pair in pairs]) if gatys else {},
            "patches": _patches([stylized for stylized, _ in pairs], paintings),
            "appearance": means(looks),
            "artifacts": means([_artifacts(stylizer, *pair) for pair in pairs]),
            "clips": _clips(stylizer, loss, pictures),
        }
    return result


def _parities(
    stylizer: Stylizer,
    loss: PerceptualLoss,
    pictures: Sequence[Tensor],
    iterations: Sequence[int],
    start: str,
) -> dict[str, Any]:
    total = len(pictures) * max(iterations, default=0)
    bar: tqdm[NoReturn]
    found = []
    with tqdm(total=total, unit="iteration", disable=not total) as bar:
        for index, photo in enumerate(pictures):
            size = (photo.shape[2], photo.shape[3])
            first = starting_picture(start, 0.0, photo[0], size, seed=index)[None]
            found.append(compare(stylizer, loss, photo, first, iterations, bar.update))
    optimized = {str(n): means([each.optimized[n] for each in found]) for n in found[0].optimized}
    return {
        "photo": means([each.photo for each in found]),
        "network": means([each.network for each in found]),
        "optimized": optimized,
        "equal_iterations": [each.equal_iterations for each in found],
    }


@torch.no_grad()
def _layers(loss: PerceptualLoss, stylized: Tensor, photo: Tensor) -> dict[str, float]:
    """Each layer's part of ``loss``."""
    terms = loss(stylized, loss.targets(photo)).flat()
    return {name: value.item() for name, value in terms.items() if "/" in name}


def _patches(stylized: Sequence[Tensor], paintings: Sequence[Tensor]) -> list[float]:
    """The mean of :func:`patch_distances` over pictures and paintings, level by level."""
    found = [patch_distances(s[0], painting) for s in stylized for painting in paintings]
    return [mean(levels) for levels in zip(*found, strict=False)]


@torch.no_grad()
def _appearance(
    stylized: Tensor, photo: Tensor, images: Sequence[StyleImage], encoder: LossNetwork
) -> dict[str, float]:
    """Beside what the photo and the paintings have themselves."""
    paintings = [image.pixels[None] for image in images]
    groups = {"": [stylized], "_painting": paintings, "_photo": [photo]}
    found = {
        f"{measure.__name__}{suffix}": mean(measure(one).item() for one in group)
        for measure in (contrast, saturation)
        for suffix, group in groups.items()
    }
    found |= {"layout": layout(stylized, photo).item(), "frame": frame(stylized, photo).item()}
    if LAYER in encoder.names and photo.shape[-1] <= MAX_SIDE:
        found["cfsd"] = cfsd(stylized, photo, encoder).item()
    return found


def _artifacts(stylizer: Stylizer, stylized: Tensor, photo: Tensor) -> dict[str, float]:
    """What the photo has itself is taken off where that makes sense."""
    found = {name: measure(stylized) - measure(photo) for name, measure in _MORE.items()}
    if photo.shape[-1] > artifacts.MIN_SIDE_FOR_FLICKER:
        found["flicker"] = artifacts.flicker(stylizer, photo)
    if photo.shape[-1] > artifacts.MIN_SIDE_FOR_BORDERS:
        found["border_ratio"] = artifacts.border_error(stylizer, photo)
    if artifacts.flat_windows(photo).any():
        found |= {name: measure(stylized, photo) for name, measure in _IN_FLAT.items()}
    return {name: value.item() for name, value in found.items()}


def _clips(
    stylizer: Stylizer, loss: PerceptualLoss, pictures: Sequence[Tensor]
) -> dict[str, dict[str, float]]:
    """How still clips hold that are made of the photos, the mean over them, by what they show.

    ``style`` is the loss of the last frame, but for its borders. What begins with ``smooth_`` is of
    frames as :mod:`faststyle.video` stylizes them, and there only with its packages.
    """

    def smooth(frames: Iterator[Tensor]) -> Iterator[Tensor]:
        from faststyle.video.clips import stylize_frames

        stylized = stylize_frames(stylizer, (Picture(frame[0]) for frame in frames), _RATE)
        return (frame[None] for frame in stylized)

    ways: dict[str, Frames] = {"": partial(map, stylizer)}
    if find_spec("av") is not None:
        ways["smooth_"] = smooth
    found: dict[str, dict[str, float]] = {}
    for name, motion in MOTIONS.items():
        clips = [make_clip(picture, motion) for picture in pictures]
        found[name] = {
            prefix + key: value
            for prefix, stylize in ways.items()
            for key, value in means([_clip(stylize, loss, clip) for clip in clips]).items()
        }
    return found


@torch.no_grad()
def _clip(stylize: Frames, loss: PerceptualLoss, clip: Sequence[Frame]) -> dict[str, float]:
    stylized = list(stylize(frame.pixels for frame in clip))
    targets = loss.targets(_inside(clip[-1].pixels))
    style = loss(_inside(stylized[-1]), targets).style.item()
    return {**stability(clip, stylized), "style": style}


def _inside(frame: Tensor) -> Tensor:
    """Of (1, 3, S, S) what lies away from the borders.

    Networks learn to please the loss network there, whose zeros make it see a border. Frames of a
    canvas (:mod:`faststyle.video.canvas`) have theirs outside of the picture.
    """
    rim = round(frame.shape[-1] * _RIM)
    return frame[..., rim:-rim, rim:-rim]


def table(result: dict[str, Any]) -> str:
    """``result`` of :func:`evaluate` as lines of text."""
    lines = [f"{result['style']}, {result['photos']} held-out photos"]
    for size, found in result.items():
        if not isinstance(found, dict):
            continue
        network = found["network"]
        lines += [f"{size} x {size}", _row("photo", found["photo"]), _row("one pass", network)]
        for count, terms in found["optimized"].items():
            speed = f"{terms['seconds'] / network['seconds']:9.0f} times"
            lines.append(_row(f"L-BFGS {count}", terms) + speed)
        if found["optimized"]:
            most = max(map(int, found["optimized"]))
            equal = [f"over {most}" if n is None else str(n) for n in found["equal_iterations"]]
            lines.append(f"  one pass equals iteration: {', '.join(equal)}")
        if layers := [f"{name} {value:.3f}" for name, value in found["gatys"].items()]:
            lines.append(f"  layers of Gatys et al.: {', '.join(layers)}")
        if scales := [f"1/{2**level} {value:.3f}" for level, value in enumerate(found["patches"])]:
            lines.append(f"  patches from the painting's, at scale {', '.join(scales)}")
        looks = found["appearance"]
        lines += [
            f"  {name}: {looks[name]:.3f}; the painting's {looks[name + '_painting']:.3f},"
            f" the photos' {looks[name + '_photo']:.3f}"
            for name in ("contrast", "saturation")
        ]
        lines += [
            f"  {name}: {looks[name]:.2f}" for name in ("layout", "frame", "cfsd") if name in looks
        ]
        lines += [f"  {name}: {value:.2f}" for name, value in found["artifacts"].items()]
        for prefix, title in (("", "clips"), ("smooth_", "clips with --smooth")):
            clips = [
                f"{name} {values[prefix + 'gray_levels']:.1f} ({values[prefix + 'e_stab']:.4f},"
                f" {values[prefix + 'style']:.3f})"
                for name, values in found["clips"].items()
                if prefix + "e_stab" in values
            ]
            if clips:
                lines.append(f"  {title}, gray levels (e_stab, style loss): {', '.join(clips)}")
    return "\n".join(lines)


def _row(name: str, terms: dict[str, float]) -> str:
    values = " ".join(f"{key} {terms[key]:7.3f}" for key in ("content", "style", "loss"))
    return f"  {name:12} {values} {terms['seconds']:9.3f} s"
