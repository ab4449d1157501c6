"""``train(cfg)``: from a composed config to an exported style."""

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import nn

from faststyle.checkpoints import (
    StyleMetadata,
    TrainedStyle,
    find_style,
    load_style,
    write_style,
)
from faststyle.core.devices import cpu_has_bf16
from faststyle.core.errors import UserError
from faststyle.core.torch_files import read_torch
from faststyle.encoder import LossNetwork, check_registered
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.networks import NetworkDescription, describe_network
from faststyle.training.engine.fit import model_checkpoint
from faststyle.training.engine.task import Task, run_task
from faststyle.training.style.module import StyleTransfer
from faststyle.training.style.samples import SampleGrid

log = logging.getLogger(__name__)


def train(cfg: DictConfig) -> Path | None:
    """Train one style and export it.

    Args:
        cfg: what ``configs/train.yaml`` composes.

    Returns:
        The exported file; see :func:`run_task`, also for what is raised.
    """
    return run_task(cfg, cfg.style.name, cfg.export.path, build_task)


def build_task(cfg: DictConfig) -> Task:
    """A style's training, beside which TensorBoard shows samples and the best state is kept."""
    _warn_of_slow_precision(cfg)
    data = instantiate(cfg.data)
    module = build_module(cfg)
    samples = SampleGrid(cfg.samples.count, cfg.samples.every_n_steps)
    best = model_checkpoint(Path(cfg.output_dir), filename="best", monitor="val/loss")
    averaging = [instantiate(cfg.averaging)] if cfg.averaging else []

    def write(path: Path) -> None:
        metadata = replace(module.metadata, steps=module.global_step)
        write_style(TrainedStyle(module.network, metadata), path, cfg.export.half)

    return Task(
        module,
        data,
        write,
        callbacks=[*averaging, samples, best],
        check_resume=partial(check_resumable, module=module),
        done="exported",
    )


def build_module(cfg: DictConfig) -> StyleTransfer:
    """Network, encoder, loss with its style targets, and the facts for the checkpoint."""
    style = instantiate(cfg.style)
    encoder: LossNetwork = instantiate(cfg.encoder)
    check_registered(encoder.name)
    loss: PerceptualLoss = instantiate(cfg.loss, encoder=encoder)
    network = instantiate(cfg.network)
    loss.set_style([StyleImage(pixels, weight) for pixels, weight in style.load()])
    if encoder.weights == "random":
        log.warning(
            "encoder.weights=random: nothing to download, but the style is matched less well than"
            " with trained weights (encoder.weights=imagenet or a file)"
        )
    if cfg.init:
        load_initial_weights(find_style(cfg.init), network)
    metadata = StyleMetadata(
        style=style.name,
        style_sha256=style.digests(),
        style_size=style.size,
        title=style.title,
        artist=style.artist,
        year=None if style.year is None else str(style.year),
        license=style.license,
        loss=loss.describe(),
        encoder=encoder.describe(),
        init=Path(cfg.init).stem if cfg.init else None,
    )
    return StyleTransfer(network, loss, metadata, instantiate(cfg.schedule), **cfg.model)


def load_initial_weights(path: Path, network: nn.Module) -> None:
    """Give ``network`` the weights of a trained style.

    Raises ``UserError`` if they cannot be read, or are another network's.
    """
    found = load_style(path).network
    kind, wanted = describe_network(found), describe_network(network)
    if kind != wanted:
        raise UserError(f"init={path} is of network {_words(kind)}, not {_words(wanted)}")
    network.load_state_dict(found.state_dict())


def check_resumable(path: Path, module: StyleTransfer) -> None:
    """Raise ``UserError`` if ``path`` is no training checkpoint, or of another network or style."""
    found = load_style(path)
    kind, wanted = describe_network(found.network), describe_network(module.network)
    if kind != wanted:
        raise UserError(f"{path} was trained with network {_words(kind)}, not {_words(wanted)}")
    if found.metadata.style_sha256 != module.metadata.style_sha256:
        raise UserError(f"{path} was trained on another style image than this run's")
    if path.suffix == ".safetensors" or "optimizer_states" not in read_torch(path):
        raise UserError(
            f"{path} is an exported style; resume needs a checkpoint of training (.ckpt)"
        )


def _words(network: NetworkDescription) -> str:
    return f"{network.name} {dict(network.options)}"


def _warn_of_slow_precision(cfg: DictConfig) -> None:
    """bf16 without hardware for it is hundreds of times slower than float32 on a CPU."""
    if cfg.trainer.accelerator != "cpu" or "16" not in str(cfg.trainer.precision):
        return
    if not cpu_has_bf16():
        log.warning(
            "trainer.precision=%s: this CPU has no bf16 arithmetic; float32 will be far faster",
            cfg.trainer.precision,
        )
