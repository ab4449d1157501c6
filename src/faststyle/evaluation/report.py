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

from faststyle.config.objects import instantiate
from faststyle.core.errors import UserError
from faststyle.data.folder import PhotoFolder, find_photos, split
from faststyle.encoder import LossNetwork
from faststyle.evaluation import artifacts, flat_regions
from faststyle.evaluation.appearance import contrast, frame, layout, saturation
from faststyle.evaluation.lbfgs_baseline import Parity, Terms, compare
from faststyle.evaluation.patches import MIN_SIDE, patch_distances
from faststyle.evaluation.stability import MOTIONS, Frames, stability
from faststyle.evaluation.structure import LAYER, MAX_SIDE, cfsd
from faststyle.evaluation.trained_loss import build_loss, gatys_loss, style_overrides
from faststyle.images.pixels import Picture, to_unit
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.optimization.start import starting_picture
from faststyle.styles import StyleMetadata, find_style, open_style
from faststyle.stylize.stylizer import Stylizer

#: Frames a second of clips that are made to be measured, and what counts as their border.
_RATE, _RIM = 25.0, 1 / 6

Compose = Callable[[list[str]], DictConfig]


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
    """Measure a trained style.

    Args:
        compose: the settings for training with given overrides.
        checkpoint: name or file of the style.
        photos: a folder; those photos are used that training on it would have held out.
        sizes: sides in pixels of the squares that are cut from them.
        count: how many photos.
        iterations: of L-BFGS after which to compare; none leaves the optimization out.
        start: of the optimization: ``content`` or ``noise``.
        overrides: of the settings, as on the command line of ``faststyle train``.

    Returns:
        Plain values: for each size, what :func:`table` shows.

    Raises:
        UserError: anything that the user can put right; see :mod:`faststyle.core.errors`.
    """
    if len(find_style(checkpoint).mix) > 1:
        raise UserError(f"{checkpoint} is a mixture: pass a single painting, to compare it with")
    style = open_style(checkpoint)
    _, held_out = split(find_photos(photos), photos, count)
    cfg = compose(style_overrides(style.metadata, overrides))
    is_chosen = any(text.startswith("loss") for text in overrides)
    loss = build_loss(cfg, StyleMetadata() if is_chosen else style.metadata)
    images = [StyleImage(pixels, weight) for pixels, weight in instantiate(cfg.style).load()]
    gatys = gatys_loss(compose(["loss=gatys"]), loss.encoder, images)
    paintings = [image.pixels for image in images if min(image.pixels.shape[1:]) >= MIN_SIDE]
    stylizer = Stylizer(style, device="cpu")
    result: dict[str, Any] = {"style": stylizer.name, "photos": len(held_out), "start": start}
    for size in sizes:
        folder = PhotoFolder(held_out, size)
        pictures = [to_unit(folder.center_crop(i))[None] for i in range(len(held_out))]
        found = _parities(stylizer, loss, pictures, iterations, start)
        stylized = [stylizer(picture) for picture in pictures]
        result[str(size)] = _summary(found) | {
            "gatys": _layers(gatys, stylized, pictures) if gatys else {},
            "patches": _patches(stylized, paintings),
            "appearance": _appearance(stylized, pictures, images, loss.encoder),
            "artifacts": _artifacts(stylizer, stylized, pictures),
            "clips": _clips(stylizer, loss, pictures),
        }
    return result


def _parities(
    stylizer: Stylizer,
    loss: PerceptualLoss,
    pictures: Sequence[Tensor],
    iterations: Sequence[int],
    start: str,
) -> list[Parity]:
    total = len(pictures) * max(iterations, default=0)
    bar: tqdm[NoReturn]
    found = []
    with tqdm(total=total, unit="iteration", disable=not total) as bar:

        def advance() -> None:
            bar.update()

        for index, photo in enumerate(pictures):
            size = (photo.shape[2], photo.shape[3])
            first = starting_picture(start, 0.0, photo[0], size, seed=index)[None]
            found.append(compare(stylizer, loss, photo, first, iterations, advance))
    return found


def _summary(found: Sequence[Parity]) -> dict[str, Any]:
    counts = found[0].optimized
    equal = [parity.equal_iterations for parity in found]
    return {
        "photo": _mean([parity.photo for parity in found]),
        "network": _mean([parity.network for parity in found]),
        "optimized": {str(n): _mean([p.optimized[n] for p in found]) for n in counts},
        "equal_iterations": equal,
    }


def _mean(terms: Sequence[Terms]) -> dict[str, float]:
    return {name: mean(getattr(t, name) for t in terms) for name in vars(terms[0])}


@torch.no_grad()
def _layers(
    loss: PerceptualLoss, stylized: Sequence[Tensor], pictures: Sequence[Tensor]
) -> dict[str, float]:
    """Each layer's part of ``loss``, the mean over the photos."""
    pairs = zip(stylized, pictures, strict=True)
    found = [loss(picture, loss.targets(photo)).flat() for picture, photo in pairs]
    return {name: mean(f[name].item() for f in found) for name in found[0] if "/" in name}


def _patches(stylized: Sequence[Tensor], paintings: Sequence[Tensor]) -> list[float]:
    """The mean of :func:`patch_distances` over pictures and paintings, level by level."""
    found = [patch_distances(s[0], painting) for s in stylized for painting in paintings]
    return [mean(levels) for levels in zip(*found, strict=False)]


@torch.no_grad()
def _appearance(
    stylized: Sequence[Tensor],
    pictures: Sequence[Tensor],
    images: Sequence[StyleImage],
    encoder: LossNetwork,
) -> dict[str, float]:
    """Means over the photos, beside what the photos and the paintings have themselves."""
    paintings = [image.pixels[None] for image in images]
    pairs = list(zip(stylized, pictures, strict=True))

    def compared(measure: Callable[..., Tensor], *others: object) -> float:
        return mean(measure(s, p, *others).item() for s, p in pairs)

    found = {
        f"{measure.__name__}{suffix}": mean(measure(one).item() for one in group)
        for measure in (contrast, saturation)
        for suffix, group in (("", stylized), ("_painting", paintings), ("_photo", pictures))
    }
    found |= {"layout": compared(layout), "frame": compared(frame)}
    if LAYER in encoder.names and pictures[0].shape[-1] <= MAX_SIDE:
        found["cfsd"] = compared(cfsd, encoder)
    return found


def _artifacts(
    stylizer: Stylizer, stylized: Sequence[Tensor], pictures: Sequence[Tensor]
) -> dict[str, float]:
    """Means over the photos; what photos have themselves is taken off where that makes sense."""
    pairs = list(zip(stylized, pictures, strict=True))

    def more(measure: Callable[[Tensor], Tensor]) -> float:
        return mean((measure(s) - measure(p)).item() for s, p in pairs)

    found = {
        "checkerboard_db": more(artifacts.checkerboard),
        "bright_dots_per_million": more(artifacts.bright_dots),
        "stripes_per_million": more(artifacts.stripes),
    }
    side = min(pictures[0].shape[-2:])
    if side > artifacts.MIN_SIDE_FOR_FLICKER:
        found["flicker"] = mean(artifacts.flicker(stylizer, p).item() for p in pictures)
    if side > artifacts.MIN_SIDE_FOR_BORDERS:
        found["border_ratio"] = mean(artifacts.border_error(stylizer, p).item() for p in pictures)
    flat = [(s, p) for s, p in pairs if flat_regions.flat_windows(p).any()]
    if flat:

        def in_flat(measure: Callable[[Tensor, Tensor], Tensor]) -> float:
            return mean(measure(s, p).item() for s, p in flat)

        found["flat_grid_db"] = in_flat(flat_regions.grid)
        found["flat_one_direction"] = in_flat(flat_regions.one_direction)
        found["flat_spread"] = in_flat(flat_regions.spread)
    return found


def _clips(
    stylizer: Stylizer, loss: PerceptualLoss, pictures: Sequence[Tensor]
) -> dict[str, dict[str, float]]:
    """How still clips hold that are made of the photos, the mean over them, by what they show.

    ``style`` is the loss of the last frame, but for its borders. What begins with ``smooth_`` is of
    frames as :mod:`faststyle.video` stylizes them, and there only with its packages.
    """

    def alone(frames: Iterator[Tensor]) -> Iterator[Tensor]:
        return map(stylizer, frames)

    def smooth(frames: Iterator[Tensor]) -> Iterator[Tensor]:
        from faststyle.video.clips import stylize_frames

        stylized = stylize_frames(stylizer, (Picture(frame[0]) for frame in frames), _RATE)
        return (frame[None] for frame in stylized)

    styles: list[float] = []

    def measured(stylize: Frames, frames: Iterator[Tensor]) -> Iterator[Tensor]:
        clip = list(frames)
        stylized = list(stylize(iter(clip)))
        with torch.no_grad():
            inside = loss(_inside(stylized[-1]), loss.targets(_inside(clip[-1])))
        styles.append(inside.style.item())
        return iter(stylized)

    found: dict[str, dict[str, float]] = {name: {} for name in MOTIONS}
    has_packages = find_spec("av") is not None
    for prefix, stylize in (("", alone), ("smooth_", smooth))[: 1 + has_packages]:
        for name, motion in MOTIONS.items():
            styles.clear()
            each = [stability(partial(measured, stylize), picture, motion) for picture in pictures]
            for key in vars(each[0]):
                found[name][prefix + key] = mean(getattr(one, key) for one in each)
            found[name][prefix + "style"] = mean(styles)
    return found


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
        layers = [f"{name} {value:.3f}" for name, value in found["gatys"].items()]
        if layers:
            lines.append(f"  layers of Gatys et al.: {', '.join(layers)}")
        scales = [f"1/{2**level} {value:.3f}" for level, value in enumerate(found["patches"])]
        if scales:
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
