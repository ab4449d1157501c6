"""Training a network that enlarges pictures (Johnson et al., 2016, section 4.2)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor

from faststyle.config.compose import instantiate
from faststyle.config.record import describe_run
from faststyle.core.errors import UserError
from faststyle.data.degradation import degrade
from faststyle.encoder import LossNetwork
from faststyle.images.pixels import resample
from faststyle.losses.reconstruction import ReconstructionLoss
from faststyle.losses.terms import LossTerms
from faststyle.networks.super_resolution import SuperResolutionNetwork
from faststyle.styles import StyleMetadata, find_style, load_style, write_style
from faststyle.styles.catalog import label
from faststyle.training.engine.initial_weights import check_resumable, load_initial_weights
from faststyle.training.engine.picture_module import PictureModule, picture_task, spare_shipped
from faststyle.training.engine.task import Task, run_task

#: So many rows, and columns, are the first that the loss sees: a step's next pair of them.
_STARTS, _STRIDE = 16, 37


class SuperResolution(PictureModule):
    """Train ``network`` with Adam to make pictures anew from what :func:`degrade` leaves of them.

    ``loss`` is a :class:`ReconstructionLoss`.
    """

    network: SuperResolutionNetwork

    def forward(self, small: Tensor) -> Tensor:
        """Enlarge (N, 3, H, W) in [0, 1]; H and W become ``network.factor`` times as many."""
        enlarged: Tensor = self.network(small)
        return enlarged

    def training_step(self, batch: Tensor) -> Tensor:
        """One step on photos (N, 3, H, W), which are the truth.

        The loss network pools pixels two by two, and textures are of squares. Where these begin
        changes from step to step, or what they prefer becomes a pattern in the result.
        """
        terms = self._terms(batch, *divmod(_STRIDE * self.global_step % _STARTS**2, _STARTS))
        if self.is_shown:
            self._log("train", terms, len(batch))
        return terms.total

    def validation_step(self, batch: Tensor) -> None:
        """The same loss on held-out photos."""
        self._log("val", self._terms(batch), len(batch))

    def samples(self, photos: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Of each photo a name, and side by side its pixels, bicubic enlargement, ours, truth."""
        factor = self.network.factor
        small = degrade(photos, factor)
        ours = self(small).float().clamp(0, 1)
        for number, (shown, made, truth) in enumerate(zip(small, ours, photos, strict=True), 1):
            pixels = shown.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
            bicubic = resample(shown, (truth.shape[1], truth.shape[2]))
            yield f"photo_{number}", torch.cat([pixels, bicubic, made, truth], dim=2)

    def _terms(self, photos: Tensor, row: int = 0, column: int = 0) -> LossTerms:
        """What is seen from a row and a column on, always as much."""
        made = self(degrade(photos, self.network.factor))
        seen = ..., _window(photos.shape[2], row), _window(photos.shape[3], column)
        terms: LossTerms = self.loss(made[seen], photos[seen])
        return terms

    def _log(self, stage: str, terms: LossTerms, count: int) -> None:
        values = {name.replace("style", "texture"): value for name, value in terms.flat().items()}
        self.log_terms(stage, values, count)


def _window(side: int, start: int) -> slice:
    """A part of ``side`` pixels that begins at ``start``, or before it where these are few."""
    starts = min(_STARTS, side // 2)
    first = start % starts
    return slice(first, first + side - starts + 1)


def train_super_resolution(cfg: DictConfig) -> Path | None:
    """Train a network that enlarges, by what ``configs/super_resolution.yaml`` composes.

    Returns the exported file; see :func:`run_task`.
    """
    return run_task(cfg, cfg.name, spare_shipped(cfg), _build_task)


def _build_task(cfg: DictConfig) -> Task:
    module = _build_module(cfg)
    factor = module.network.factor
    if cfg.data.size % factor:
        raise UserError(f"data.size={cfg.data.size} must be a multiple of factor={factor}")

    def write(path: Path) -> None:
        write_style(module.trained, path, cfg.export.half)

    check_resume = partial(check_resumable, network=module.network)
    return picture_task(cfg, module, instantiate(cfg.data), write, check_resume)


def _build_module(cfg: DictConfig) -> SuperResolution:
    network: SuperResolutionNetwork = instantiate(cfg.network)
    if cfg.init:
        load_initial_weights(load_style(find_style(cfg.init).path), network, (), f"init={cfg.init}")
    # Pixels need no loss network, which may have to be downloaded.
    sees_features = cfg.loss.get("content_weight") or cfg.loss.get("texture_weight")
    encoder: LossNetwork | None = instantiate(cfg.encoder) if sees_features else None
    loss = instantiate(cfg.loss, encoder=encoder)
    if not isinstance(loss, ReconstructionLoss):
        raise UserError("this loss is for styles: choose loss=perceptual, pixel, both or texture")
    metadata = StyleMetadata(
        cfg.name,
        loss=loss.describe(),
        encoder={} if encoder is None else encoder.describe(),
        init=label(cfg.init) if cfg.init else None,
        training=describe_run(cfg),
    )
    make_module: partial[SuperResolution] = instantiate(cfg.model)
    return make_module(network, loss, metadata, instantiate(cfg.schedule))
