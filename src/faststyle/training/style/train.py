"""``train(cfg)``: from a composed config to an exported style."""

import json
import logging
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from faststyle.checkpoints import TrainedStyle, find_style, load_style, write_style
from faststyle.core.devices import cpu_has_bf16
from faststyle.core.errors import UserError
from faststyle.core.torch_files import read_torch
from faststyle.encoder import LossNetwork, check_registered
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.networks import TransformNetwork
from faststyle.training.engine.callbacks import SampleGrid
from faststyle.training.engine.fit import fit, model_checkpoint, prepare_run
from faststyle.training.style.module import StyleTransfer

log = logging.getLogger(__name__)


def train(cfg: DictConfig) -> Path | None:
    """Train one style and export it.

    Args:
        cfg: what ``configs/train.yaml`` composes.

    Returns:
        The exported file, or none if a signal stopped the run early (it can be resumed).

    Raises:
        UserError: anything that the user can put right; see :mod:`faststyle.core.errors`.
    """
    target = Path(cfg.export.path).expanduser()
    resume = prepare_run(cfg, target, cfg.style.name)
    _warn_of_slow_precision(cfg)
    data = instantiate(cfg.data)
    module = build_module(cfg)
    if resume:
        check_resumable(resume, module)
        log.info("resuming from %s", resume)
    samples = SampleGrid(cfg.samples.count, cfg.samples.every_n_steps)
    best = model_checkpoint(Path(cfg.output_dir), filename="best", monitor="val/loss")
    averaging = [instantiate(cfg.averaging)] if cfg.averaging else []
    trainer = fit(cfg, module, data, resume, *averaging, samples, best)
    if not trainer.is_global_zero:
        return None
    facts = module.facts | {"steps": str(trainer.global_step)}
    write_style(TrainedStyle(module.network, facts), target, cfg.export.half)
    log.info("exported %s", target)
    return target


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
    facts = style.facts() | {
        "loss": json.dumps(loss.describe()),
        "encoder": json.dumps(encoder.describe()),
        "style_size": str(style.size),
    }
    if cfg.init:
        load_initial_weights(find_style(cfg.init), network)
        facts["init"] = Path(cfg.init).stem
    return StyleTransfer(network, loss, facts, instantiate(cfg.schedule), **cfg.model)


def load_initial_weights(path: Path, network: TransformNetwork) -> None:
    """Give ``network`` the weights of a trained style.

    Raises ``UserError`` if they cannot be read, or are another network's.
    """
    found = load_style(path).network
    if found.options != network.options:
        raise UserError(f"init={path} is of network {found.options}, not {network.options}")
    network.load_state_dict(found.state_dict())


def check_resumable(path: Path, module: StyleTransfer) -> None:
    """Raise ``UserError`` if ``path`` is no training checkpoint, or of another network or style."""
    found = load_style(path)
    if found.network.options != module.network.options:
        raise UserError(
            f"{path} was trained with network {found.network.options}, not {module.network.options}"
        )
    if found.facts.get("style_sha256") != module.facts.get("style_sha256"):
        raise UserError(f"{path} was trained on another style image than this run's")
    if path.suffix == ".safetensors" or "optimizer_states" not in read_torch(path):
        raise UserError(
            f"{path} is an exported style; resume needs a checkpoint of training (.ckpt)"
        )


def _warn_of_slow_precision(cfg: DictConfig) -> None:
    """bf16 without hardware for it is hundreds of times slower than float32 on a CPU."""
    if cfg.trainer.accelerator != "cpu" or "16" not in str(cfg.trainer.precision):
        return
    if not cpu_has_bf16():
        log.warning(
            "trainer.precision=%s: this CPU has no bf16 arithmetic; float32 will be far faster",
            cfg.trainer.precision,
        )
