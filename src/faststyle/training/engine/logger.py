"""What TensorBoard knows of a run: its curves, and its settings, by which runs can be compared."""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger
from torch.utils.tensorboard.summary import hparams

from faststyle.config.paths import escape
from faststyle.core.names import shown

_LOSSES = ("train/loss", "val/loss")


class StepLogger(TensorBoardLogger):
    """Lightning's, without the epoch: a run is counted in steps, and its epoch is always 0."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log all of ``metrics`` but ``epoch``."""
        super().log_metrics({k: v for k, v in metrics.items() if k != "epoch"}, step)


class LogHyperparameters(Callback):
    """Show what ``cfg`` sets beside the losses, and keep it as ``hparams.yaml``."""

    def __init__(self, cfg: DictConfig) -> None:
        self.settings = flatten_settings(OmegaConf.to_container(cfg, resolve=True))

    def setup(self, trainer: pl.Trainer, _module: pl.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Log them, in the process that logs, before the logger saves what it knows so far."""
        if isinstance(trainer.logger, TensorBoardLogger) and trainer.is_global_zero:
            trainer.logger.log_hyperparams(self.settings)
            # Values of the losses come from their curves, without cards of their own.
            for summary in hparams(self.settings, dict.fromkeys(_LOSSES, 0.0)):  # type: ignore[no-untyped-call]
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
