"""``train_super_resolution(cfg)``: from a composed config to a file that enlarges pictures."""

from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from faststyle.config.objects import instantiate
from faststyle.config.record import describe_run
from faststyle.core.errors import UserError
from faststyle.encoder import LossNetwork
from faststyle.losses.reconstruction import ReconstructionLoss
from faststyle.networks.super_resolution import SuperResolutionNetwork
from faststyle.styles import StyleMetadata, find_style, load_style, write_style
from faststyle.styles.catalog import label
from faststyle.training.engine.initial_weights import check_resumable, load_initial_weights
from faststyle.training.engine.picture_module import picture_task, spare_shipped
from faststyle.training.engine.task import Task, run_task
from faststyle.training.super_resolution.module import SuperResolution


def train_super_resolution(cfg: DictConfig) -> Path | None:
    """Train a network that enlarges pictures, and export it.

    Args:
        cfg: what ``configs/super_resolution.yaml`` composes.

    Returns:
        The exported file; see :func:`run_task`, also for what is raised.
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
