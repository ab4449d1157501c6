"""``optimize(cfg)``: from a composed config to a picture."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor

from faststyle.config.objects import instantiate
from faststyle.config.paths import input_files
from faststyle.config.runs import LAST_CHECKPOINT, find_resume
from faststyle.core.atomic import check_target
from faststyle.core.devices import find_device
from faststyle.core.errors import UserError, is_out_of_memory
from faststyle.core.interrupts import Interrupts, catch_interrupts
from faststyle.core.names import check_name
from faststyle.images.files import load_picture, save_picture
from faststyle.images.formats import format_of
from faststyle.images.metrics import psnr
from faststyle.images.pixels import Picture, resample, resize, shrink
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.networks.conv3x3 import choose_kernel
from faststyle.optimization.objective import Objective
from faststyle.optimization.optimizers import PixelOptimizer
from faststyle.optimization.progress import Progress
from faststyle.optimization.start import sizes, starting_picture
from faststyle.optimization.state import State

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """What is wanted, the same at every size.

    ``photo``: (3, H, W) at the final size, or none. ``style``: pictures and their shares at the
    final size. ``optimizer``: makes one for the pixels (1, 3, H, W) that it is to change.
    """

    loss: PerceptualLoss
    photo: Tensor | None
    style: list[StyleImage]
    optimizer: Callable[[Tensor], PixelOptimizer]
    sizes: list[tuple[int, int]]
    iterations: int
    snapshot_every: int


def optimize(cfg: DictConfig) -> Path:
    """Optimize one picture.

    Args:
        cfg: what ``configs/optimize.yaml`` composes.

    Returns:
        The picture's file. If a signal stopped the run, the best picture so far is written there,
        and the process exits with 128 plus the signal's number.

    Raises:
        UserError: anything that the user can put right; see :mod:`faststyle.core.errors`.
    """
    choose_kernel(str(cfg.kernel))
    target = _check_target(cfg)
    out = Path(cfg.output_dir)
    check_name(out)
    checkpoint = find_resume(cfg.resume, cfg.name, out)
    content = _load_content(cfg)
    task = _prepare(cfg, content)
    if checkpoint:
        state = State.load(checkpoint, task.sizes)
        log.info("resuming from %s", checkpoint)
    else:
        photo = None if content is None else content.pixels
        start = starting_picture(str(cfg.start), cfg.noise, photo, task.sizes[0], cfg.seed)
        state = State(task.sizes, start[None])
    done = state.level * task.iterations + state.iteration
    stopped = None
    with catch_interrupts("iteration") as interrupts:
        try:
            with Progress(out, len(task.sizes) * task.iterations, done) as progress:
                save = partial(state.save, out / LAST_CHECKPOINT)
                save()  # now: a run can be interrupted before its first snapshot
                for _ in _levels(state):
                    _descend(task, state, progress, interrupts, save)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise UserError(
                f"memory ended at {task.sizes[state.level][1]} x {task.sizes[state.level][0]}"
                " pixels: lower size="
            ) from None
        except KeyboardInterrupt:
            stopped = interrupts.received
            log.warning("stopped; go on with resume=last")
        finally:
            if state.best is not None:
                pixels = resample(state.best[0].cpu(), task.sizes[-1])
                save_picture(_like(content, pixels), target)
                shown = _distance(pixels, content)
                log.info("wrote %s, loss %.4g%s", target, state.best_loss, shown)
    if stopped:
        sys.exit(128 + stopped)
    return target


def _levels(state: State) -> Iterator[int]:
    """From the size that ``state`` is at to the last."""
    yield state.level
    while state.level + 1 < len(state.sizes):
        _refine(state)
        yield state.level


def _descend(
    task: Task,
    state: State,
    progress: Progress,
    interrupts: Interrupts,
    save: Callable[[], None],
) -> None:
    """Go on from ``state`` to the last iteration at its size, keeping it up to date."""
    device = task.loss.encoder.mean.device
    pixels = state.pixels.to(device, copy=True)
    objective = _objective(task, task.sizes[state.level], device)
    objective.best, objective.best_loss = state.best, state.best_loss
    optimizer = task.optimizer(pixels)
    if state.optimizer:
        optimizer.load_state_dict(state.optimizer)

    def remember() -> None:
        state.best, state.best_loss = objective.best, objective.best_loss

    def after_each() -> None:
        progress.iteration(objective.terms)
        remember()
        interrupts.check()

    while state.iteration < task.iterations:
        count = min(task.snapshot_every, task.iterations - state.iteration)
        optimizer.minimize(objective, count, after_each)
        remember()  # an optimizer that starts at the minimum makes no iteration
        state.iteration += count
        state.pixels, state.optimizer = pixels.detach(), optimizer.state_dict()
        save()
        number = state.level * task.iterations + state.iteration
        progress.snapshot(state.pixels[0].clamp(0, 1), number)


def _distance(pixels: Tensor, content: Picture | None) -> str:
    return "" if content is None else f", {psnr(pixels, content.pixels):.1f} dB of the photo"


def _refine(state: State) -> None:
    """Carry the best picture of one size to the next."""
    assert state.best is not None
    state.level += 1
    state.pixels = resample(state.best[0], state.sizes[state.level])[None]
    state.iteration, state.optimizer = 0, {}
    state.best, state.best_loss = None, float("inf")


def _objective(task: Task, size: tuple[int, int], device: torch.device) -> Objective:
    """Style and photo scaled alike, so that strokes keep their size relative to the picture."""
    factor = size[0] / task.sizes[-1][0]
    if task.style:
        task.loss.set_style([_scaled(image, factor, device) for image in task.style])
    photo = task.photo
    if photo is not None:
        photo = resample(photo, size)[None].to(device)
    return Objective(task.loss, photo)


def _scaled(image: StyleImage, factor: float, device: torch.device) -> StyleImage:
    short_side = max(1, round(min(image.pixels.shape[1:]) * factor))
    return StyleImage(resize(image.pixels, short_side).to(device), image.weight)


def _prepare(cfg: DictConfig, content: Picture | None) -> Task:
    for name in ("iterations", "snapshot_every"):
        if not isinstance(cfg[name], int) or cfg[name] < 1:
            raise UserError(f"{name}={cfg[name]} must be a whole number above 0")
    loss = instantiate(cfg.loss, encoder=instantiate(cfg.encoder))
    if not loss.layers:
        raise UserError("nothing to optimize: all content and style weights are 0")
    if loss.needs_photo and content is None:
        raise UserError("content has no value, but the loss has content layers: pass content=PATH")
    style = instantiate(cfg.style).load() if loss.needs_style else []
    photo = None if content is None else content.pixels
    side = cfg.size or 0
    return Task(
        loss=loss.to(find_device(cfg.device), memory_format=torch.channels_last),
        photo=photo,
        style=[StyleImage(pixels, weight) for pixels, weight in style],
        optimizer=instantiate(cfg.optimizer, _partial_=True),
        sizes=sizes((side, side) if photo is None else _size(photo), cfg.coarse_to_fine),
        iterations=cfg.iterations,
        snapshot_every=cfg.snapshot_every,
    )


def _load_content(cfg: DictConfig) -> Picture | None:
    """The photo at the size it is optimized at, with its profile and transparency."""
    if cfg.size is not None and (not isinstance(cfg.size, int) or cfg.size < 1):
        raise UserError(f"size={cfg.size} must be a whole number of pixels above 0, or null")
    if cfg.content is None:
        if cfg.size is None:
            raise UserError("without a content, size must say how large the picture is to be")
        _check_pixels((cfg.size, cfg.size), cfg.max_pixels)
        return None
    picture = load_picture(Path(cfg.content).expanduser())
    pixels = picture.pixels if cfg.size is None else shrink(picture.pixels, cfg.size)
    _check_pixels(_size(pixels), cfg.max_pixels)
    return _like(picture, pixels)


def _check_target(cfg: DictConfig) -> Path:
    """Where the result goes, found out now and not after minutes of work."""
    target = Path(cfg.output).expanduser()
    format_of(target)
    check_target(target, input_files(cfg))
    return target


def _check_pixels(size: tuple[int, int], limit: int) -> None:
    height, width = size
    if height * width > limit:
        raise UserError(
            f"{width} x {height} pixels are more than the limit of {limit:,}: lower size, or raise"
            " max_pixels if there is memory (6 kB a pixel)"
        )


def _size(pixels: Tensor) -> tuple[int, int]:
    return pixels.shape[-2], pixels.shape[-1]


def _like(picture: Picture | None, pixels: Tensor) -> Picture:
    """``pixels`` with the transparency and the color profile of ``picture``, if there is one."""
    if picture is None:
        return Picture(pixels)
    alpha = picture.alpha
    if alpha is not None:
        alpha = resample(alpha, _size(pixels))
    return replace(picture, pixels=pixels, alpha=alpha)
