"""TensorBoard's curves of a run."""

from collections.abc import Mapping

from pytorch_lightning.loggers import TensorBoardLogger


class StepLogger(TensorBoardLogger):
    """Lightning's, without the epoch: a run is counted in steps, and its epoch is always 0."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log all of ``metrics`` but ``epoch``."""
        super().log_metrics({k: v for k, v in metrics.items() if k != "epoch"}, step)
