"""``train(cfg)``: from a composed config to an exported style."""

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.utilities import rank_zero_only

from faststyle.checkpoint import TrainedStyle, load_style, write_style
from faststyle.config import LAST_CHECKPOINT, find_resume
from faststyle.errors import UserError
from faststyle.files import check_writable
from faststyle.hardware import cpu_has_bf16
from faststyle.losses.perceptual import StyleImage
from faststyle.torch_files import read_torch
from faststyle.training.callbacks import FiniteGuard, SampleGrid, StopOnSignal, Throughput
from faststyle.training.checkpoint_io import AtomicCheckpointIO
from faststyle.training.module import StyleTransfer

log = logging.getLogger(__name__)


def train(cfg: DictConfig) -> Path | None:
    """Train one style and export it.

    Args:
        cfg: what ``configs/train.yaml`` composes.

    Returns:
        The exported file, or none if a signal stopped the run early (it can be resumed).

    Raises:
        UserError: anything that the user can put right; see :mod:`faststyle.errors`.
    """
    quieten()
    target = Path(cfg.export.path).expanduser()
    check_writable(target.parent)  # now, not after hours of training
    resume = find_resume(cfg.resume, cfg.style.name, Path(cfg.output_dir))
    _warn_of_slow_precision(cfg)
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    data = instantiate(cfg.data)
    module = build_module(cfg)
    if resume:
        check_resumable(resume, module)
        log.info("resuming from %s", resume)
    stop = StopOnSignal(Path(cfg.output_dir) / LAST_CHECKPOINT)
    trainer = build_trainer(cfg, stop)
    # Our own checkpoints need no code to be read, so a foreign one gets none to run.
    trainer.fit(module, data, ckpt_path=resume, weights_only=True)
    if skipped := data.skipped():
        log.warning("%d photos could not be read and were skipped", skipped)
    if stop.received:
        step = trainer.global_step
        log.warning("stopped at step %d of %d; go on with resume=last", step, trainer.max_steps)
        sys.exit(128 + stop.received)
    if not trainer.is_global_zero:
        return None
    facts = module.facts | {"steps": str(trainer.global_step)}
    write_style(TrainedStyle(module.network, facts), target, cfg.export.half)
    log.info("exported %s", target)
    return target


def build_module(cfg: DictConfig) -> StyleTransfer:
    """Network, encoder, loss with its style targets, and the facts for the checkpoint."""
    style = instantiate(cfg.style)
    loss_cfg = OmegaConf.to_container(cfg.loss, resolve=True)
    encoder = instantiate(cfg.encoder)
    loss = instantiate(cfg.loss, encoder=encoder)
    network = instantiate(cfg.network)
    loss.set_style([StyleImage(pixels, weight) for pixels, weight in style.load()])
    if cfg.encoder.weights == "random":
        log.warning(
            "encoder.weights=random: nothing to download, but the style is matched less well than"
            " with trained weights (encoder.weights=imagenet or a file)"
        )
    facts = style.facts() | {
        "loss": json.dumps(loss_cfg),
        # The name of a weights file helps others; its place on this machine is nobody's business.
        "encoder": json.dumps(dict(cfg.encoder, weights=Path(str(cfg.encoder.weights)).name)),
        "style_size": str(style.size),
    }
    return StyleTransfer(network, loss, facts, **cfg.model)


def build_trainer(cfg: DictConfig, stop: StopOnSignal) -> pl.Trainer:
    """The Trainer of ``cfg.trainer`` with our callbacks; all files go into ``cfg.output_dir``."""
    out = Path(cfg.output_dir)
    callbacks = [
        stop,
        FiniteGuard(),
        Throughput(),
        LearningRateMonitor(),
        SampleGrid(cfg.samples.count, cfg.samples.every_n_steps),
        last_checkpoint(out, cfg.checkpoint_every_n_steps),
        _checkpoint(out, filename="best", monitor="val/loss"),
    ]
    logger = instantiate(cfg.logger)
    trainer: pl.Trainer = instantiate(
        cfg.trainer,
        logger=logger,
        callbacks=callbacks,
        plugins=[AtomicCheckpointIO()],
        _convert_="all",
    )
    return trainer


def last_checkpoint(out: Path, every_n_steps: int) -> ModelCheckpoint:
    """What ``resume=last`` goes on from, saved every so often."""
    return _checkpoint(out, filename=LAST_CHECKPOINT.stem, every_n_train_steps=every_n_steps)


def _checkpoint(out: Path, **options: Any) -> ModelCheckpoint:
    # Always one file under one name, replaced atomically, instead of last-v1, last-v2 ...
    return ModelCheckpoint(out / LAST_CHECKPOINT.parent, enable_version_counter=False, **options)


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


def quieten() -> None:
    """Let one process of a run speak for all, without what Lightning says of intended things."""
    if rank_zero_only.rank:  # type: ignore[attr-defined]
        logging.disable(logging.WARNING)
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in (
        ".*in eval mode at the start of training",  # the loss network, always
        ".*overridden `on_after_batch_transfer`",
        ".*your dataloader is not resumable",  # StepSampler starts at the trainer's step
        ".*exists and is not empty",  # resumed runs go on in their folder
        ".*does not have many workers",
        ".*`LeafSpec`|.*treespec",
        "The number of training batches .* is smaller than the logging interval",
    ):
        warnings.filterwarnings("ignore", message)


def _warn_of_slow_precision(cfg: DictConfig) -> None:
    """bf16 without hardware for it is hundreds of times slower than float32 on a CPU."""
    if cfg.trainer.accelerator != "cpu" or "16" not in str(cfg.trainer.precision):
        return
    if not cpu_has_bf16():
        log.warning(
            "trainer.precision=%s: this CPU has no bf16 arithmetic; float32 will be far faster",
            cfg.trainer.precision,
        )
