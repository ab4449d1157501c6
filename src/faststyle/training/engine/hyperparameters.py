"""A run's settings in TensorBoard's table of hyper-parameters, by which runs can be compared."""

from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger

_LOSSES = ("train/loss", "val/loss")


class LogHyperparameters(Callback):
    """At the end of a run, show what it was set to beside the losses that it reached.

    Args:
        cfg: the composed config.
    """

    def __init__(self, cfg: DictConfig) -> None:
        self.settings = flatten_settings(OmegaConf.to_container(cfg, resolve=True))

    def on_train_end(self, trainer: pl.Trainer, _module: pl.LightningModule) -> None:
        """Log them, in the process that logs."""
        if isinstance(trainer.logger, TensorBoardLogger):
            metrics = trainer.callback_metrics
            losses = {f"hparams/{key}": metrics[key].item() for key in _LOSSES if key in metrics}
            trainer.logger.log_hyperparams(self.settings, losses, trainer.global_step)


def flatten_settings(node: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as ``group.key`` -> value, without Hydra's own ``_target_`` and its like."""
    if not isinstance(node, dict):
        return {prefix: str(node) if isinstance(node, list) else node}
    result: dict[str, Any] = {}
    for key, value in node.items():
        if not str(key).startswith("_"):
            result |= flatten_settings(value, f"{prefix}.{key}" if prefix else str(key))
    return result
