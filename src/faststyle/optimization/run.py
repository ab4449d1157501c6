"""``optimize(cfg)``: from a composed config to a picture."""

import logging
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import torch
from omegaconf import DictConfig
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from faststyle.config.compose import instantiate
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
from faststyle.losses import LossTerms, PerceptualLoss, StyleImage
from faststyle.networks.kernels import choose_kernel
from faststyle.optimization.optimizers import Objective, PixelOptimizer
from faststyle.optimization.state import State, sizes, starting_picture

log = logging.getLogger(__name__)


def optimize(cfg: DictConfig) -> Path:
    """Optimize one picture, by what ``configs/optimize.yaml`` composes.

    Returns:
        The picture's file. If a signal stopped the run, the best picture so far is written there,
        and the process exits with 128 plus the signal's number.

    Raises:
        UserError: anything that the user can put right; see :mod:`faststyle.core.errors`.
    """
    choose_kernel(str(cfg.kernel))
    target, out = Path(cfg.output).expanduser(), Path(cfg.output_dir)
    format_of(target)
    check_target(target, input_files(cfg))  # now, not after minutes of work
    check_name(out)
    checkpoint = find_resume(cfg.resume, cfg.name, out)
    content = _load_content(cfg)
    descent = _Descent(cfg, content, checkpoint)
    state, stopped = descent.state, None
    with catch_interrupts("iteration") as interrupts:
        try:
            descent.run(out, interrupts)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            height, width = state.sizes[state.level]
            raise UserError(f"memory ended at {width} x {height} pixels: lower size=") from None
        except KeyboardInterrupt:
            stopped = interrupts.received
            log.warning("stopped; go on with resume=last")
        finally:
            _write_best(state, content, target)
    if stopped:
        sys.exit(128 + stopped)
    return target


def _write_best(state: State, content: Picture | None, target: Path) -> None:
    if state.best is None:
        return
    pixels = resample(state.best[0].cpu(), state.sizes[-1])
    save_picture(_like(content, pixels), target)
    near = "" if content is None else f", {psnr(pixels, content.pixels):.1f} dB of the photo"
    log.info("wrote %s, loss %.4g%s", target, state.best_loss, near)


class Progress(AbstractContextManager["Progress"]):
    """Counts iterations, draws the curve of every term, and keeps numbered pictures in ``folder``.

    ``done`` of the ``total`` were done by an earlier run; its curve is continued from there.
    """

    def __init__(self, folder: Path, total: int, done: int = 0) -> None:
        self.folder = folder
        self.done = done
        self._writer = SummaryWriter(str(folder), purge_step=done + 1 if done else None)
        self._bar: tqdm[NoReturn] = tqdm(total=total, initial=done, unit="it", disable=None)

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        self._writer.close()

    def iteration(self, terms: LossTerms) -> None:
        """One more iteration, after which the loss consists of ``terms``."""
        self.done += 1
        for name, value in terms.flat().items():
            self._writer.add_scalar(f"optimize/{name}", value.item(), self.done)
        shown = {name: f"{value.item():.4g}" for name, value in terms.summary().items()}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def snapshot(self, pixels: Tensor, number: int) -> None:
        """Keep the picture (3, H, W) of an iteration as a numbered file and in TensorBoard."""
        self.done = number  # an optimizer that finds nothing more to do makes fewer iterations
        self._bar.n = number
        save_picture(Picture(pixels.cpu()), self.folder / "snapshots" / f"{self.done:05}.png")
        self._writer.add_image("picture", pixels, self.done)
        self._writer.flush()


class _Descent:
    """What is wanted, the same at every size, and how far it has come: ``state``."""

    def __init__(self, cfg: DictConfig, content: Picture | None, checkpoint: Path | None) -> None:
        for name in ("iterations", "snapshot_every"):
            if not isinstance(cfg[name], int) or cfg[name] < 1:
                raise UserError(f"{name}={cfg[name]} must be a whole number above 0")
        loss: PerceptualLoss = instantiate(cfg.loss, encoder=instantiate(cfg.encoder))
        if not loss.layers:
            raise UserError("nothing to optimize: all weights of the loss are 0")
        if loss.needs_photo and content is None:
            raise UserError(
                "content has no value, but the loss compares with one: pass content=PATH"
            )
        self._style = instantiate(cfg.style).load() if loss.needs_style else []
        self._photo = None if content is None else content.pixels
        self._device = find_device(cfg.device)
        self._loss = loss.to(self._device).to(memory_format=torch.channels_last)
        self._make_optimizer: Callable[[Tensor], PixelOptimizer]
        self._make_optimizer = instantiate(cfg.optimizer, _partial_=True)
        self._iterations: int = cfg.iterations
        self._snapshot_every: int = cfg.snapshot_every
        size = (cfg.size or 0,) * 2 if self._photo is None else _size(self._photo)
        levels = sizes(size, cfg.coarse_to_fine)
        if checkpoint:
            self.state = State.load(checkpoint, levels)
            log.info("resuming from %s", checkpoint)
        else:
            start = starting_picture(str(cfg.start), cfg.noise, self._photo, levels[0], cfg.seed)
            self.state = State(levels, start[None])

    def run(self, out: Path, interrupts: Interrupts) -> None:
        """Go on to the last size. Raises ``KeyboardInterrupt`` after the iteration of a signal."""
        state, checkpoint = self.state, out / LAST_CHECKPOINT
        with Progress(out, len(state.sizes) * self._iterations, self._done()) as progress:
            state.save(checkpoint)  # now: a run can be interrupted before its first snapshot
            self._descend(progress, interrupts, checkpoint)
            while state.level + 1 < len(state.sizes):
                state.refine()
                self._descend(progress, interrupts, checkpoint)

    def _done(self) -> int:
        """How many iterations are behind, over all sizes."""
        return self.state.level * self._iterations + self.state.iteration

    def _descend(self, progress: Progress, interrupts: Interrupts, checkpoint: Path) -> None:
        """Go on to the last iteration at this size, keeping the state up to date."""
        state = self.state
        pixels = state.pixels.to(self._device, copy=True)
        objective = self._objective()
        objective.best, objective.best_loss = state.best, state.best_loss
        optimizer = self._make_optimizer(pixels)
        if state.optimizer:
            optimizer.load_state_dict(state.optimizer)

        def remember() -> None:
            state.best, state.best_loss = objective.best, objective.best_loss

        def after_each() -> None:
            progress.iteration(objective.terms)
            remember()
            interrupts.check()

        while state.iteration < self._iterations:
            count = min(self._snapshot_every, self._iterations - state.iteration)
            optimizer.minimize(objective, count, after_each)
            remember()  # an optimizer that starts at the minimum makes no iteration
            state.iteration += count
            state.pixels, state.optimizer = pixels.detach(), optimizer.state_dict()
            state.save(checkpoint)
            progress.snapshot(state.pixels[0].clamp(0, 1), self._done())

    def _objective(self) -> Objective:
        """Style and photo scaled alike, so that strokes keep their size relative to the picture."""
        size, last = self.state.sizes[self.state.level], self.state.sizes[-1]
        scaled = []
        for pixels, weight in self._style:
            short_side = max(1, round(min(pixels.shape[1:]) * (size[0] / last[0])))
            scaled.append(StyleImage(resize(pixels, short_side).to(self._device), weight))
        if scaled:
            self._loss.set_style(scaled)
        photo = self._photo
        if photo is not None:
            photo = resample(photo, size)[None].to(self._device)
        return Objective(self._loss, photo)


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
    alpha = None if picture.alpha is None else resample(picture.alpha, _size(pixels))
    return replace(picture, pixels=pixels, alpha=alpha)
