"""A run's settings in TensorBoard's table of hyper-parameters, by which runs can be compared."""

from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger
from torch.utils.tensorboard.summary import hparams

from faststyle.config.paths import escape
from faststyle.core.names import shown

_LOSSES = ("train/loss", "val/loss")


class LogHyperparameters(Callback):
    """Show what a run is set to beside its losses, and keep it as ``hparams.yaml``.

    Args:
        cfg: the composed config.
    """

    def __init__(self, cfg: DictConfig) -> None:
        self.settings = flatten_settings(OmegaConf.to_container(cfg, resolve=True))

    def setup(self, trainer: pl.Trainer, _module: pl.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Log them, in the process that logs, before the logger saves what it knows so far."""
        if isinstance(trainer.logger, TensorBoardLogger) and trainer.is_global_zero:
            trainer.logger.log_hyperparams(self.settings)
            # Values of the losses come from their curves, without cards of their own.
            summaries = hparams(self.settings, dict.fromkeys(_LOSSES, 0.0))  # type: ignore[no-untyped-call]
            for summary in summaries:
                trainer.logger.experiment.file_writer.add_summary(summary)


def flatten_settings(node: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as ``group.key`` -> value, without Hydra's own ``_target_`` and its like."""
    if not isinstance(node, dict):
        # Lightning reads texts by OmegaConf.
        is_text = not isinstance(node, bool | int | float)
        return {prefix: escape(shown(str(node))) if is_text else node}
    result: dict[str, Any] = {}
    for key, value in node.items():
        if not str(key).startswith("_"):
            result |= flatten_settings(value, f"{prefix}.{key}" if prefix else str(key))
    return result
