"""``train_super_resolution(cfg)``: from a composed config to a file that enlarges pictures."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from faststyle.config.objects import instantiate
from faststyle.config.record import describe_run
from faststyle.core.errors import UserError
from faststyle.encoder import LossNetwork
from faststyle.losses.reconstruction import ReconstructionLoss
from faststyle.networks.super_resolution import SuperResolutionNetwork
from faststyle.styles import (
    StyleMetadata,
    TrainedStyle,
    find_style,
    load_style,
    write_style,
)
from faststyle.styles.catalog import label
from faststyle.training.engine.fit import model_checkpoint
from faststyle.training.engine.initial_weights import load_initial_weights
from faststyle.training.engine.resuming import check_resumable
from faststyle.training.engine.samples import Samples
from faststyle.training.engine.task import Task, run_task, spare_shipped
from faststyle.training.super_resolution.module import SuperResolution


def train_super_resolution(cfg: DictConfig) -> Path | None:
    """Train a network that enlarges pictures, and export it.

    Args:
        cfg: what ``configs/super_resolution.yaml`` composes.

    Returns:
        The exported file; see :func:`run_task`, also for what is raised.
    """
    target = spare_shipped(Path(cfg.export.path).expanduser(), cfg.overwrite)
    return run_task(cfg, cfg.name, str(target), build_task)


def build_task(cfg: DictConfig) -> Task:
    """The training of one network; TensorBoard shows samples, and the best state is kept."""
    module = build_module(cfg)
    factor = module.network.factor
    if cfg.data.size % factor:
        raise UserError(f"data.size={cfg.data.size} must be a multiple of factor={factor}")
    averaging = [instantiate(cfg.averaging)] if cfg.averaging else []
    best = model_checkpoint(Path(cfg.output_dir), filename="best", monitor="val/loss")

    def write(path: Path) -> None:
        metadata = replace(module.metadata, steps=module.global_step)
        write_style(TrainedStyle(module.network, metadata), path, cfg.export.half)

    return Task(
        module,
        instantiate(cfg.data),
        write,
        callbacks=[*averaging, Samples(cfg.samples.count, cfg.samples.every_n_steps), best],
        check_resume=partial(check_resumable, network=module.network),
        done="exported",
    )


def build_module(cfg: DictConfig) -> SuperResolution:
    """Network, loss, and the metadata of the checkpoint."""
    network: SuperResolutionNetwork = instantiate(cfg.network)
    if cfg.init:
        load_initial_weights(load_style(find_style(cfg.init).path), network, (), f"init={cfg.init}")
    # Pixels need no loss network, which may have to be downloaded.
    sees_features = cfg.loss.get("content_weight") or cfg.loss.get("texture_weight")
    encoder: LossNetwork | None = instantiate(cfg.encoder) if sees_features else None
    loss = instantiate(cfg.loss, encoder=encoder)
    if not isinstance(loss, ReconstructionLoss):
        raise UserError("this loss is for styles: choose loss=perceptual, pixel, both or texture")
    about = encoder.describe() if encoder is not None else {}
    begun = label(cfg.init) if cfg.init else None
    metadata = StyleMetadata(
        cfg.name,
        loss=loss.describe(),
        encoder=about,
        init=begun,
        training=describe_run(cfg),
    )
    make_module: partial[SuperResolution] = instantiate(cfg.model)
    return make_module(network, loss, metadata, instantiate(cfg.schedule))
