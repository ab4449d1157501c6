"""The progress bar of a training."""

import sys

import pytorch_lightning as pl
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.callbacks.progress.tqdm_progress import Tqdm


class StepBar(TQDMProgressBar):
    """Lightning's bar, but of the steps of the whole run, 22/60, and also after a resume.

    In a file, such as a job's log, it is redrawn every 50 steps and after validation only.
    """

    def __init__(self) -> None:
        self._watched = sys.stdout.isatty()
        super().__init__(refresh_rate=1 if self._watched else 50)

    def init_train_tqdm(self) -> Tqdm:
        """Begin where the run does, so that the speed is that of its own steps."""
        return Tqdm(
            desc="training",
            total=self.trainer.max_steps,
            initial=self.trainer.global_step,
            unit="step",
            disable=self.is_disabled,
            dynamic_ncols=True,
            file=sys.stdout,
            smoothing=0,
        )

    def on_train_epoch_start(self, *args: object) -> None:
        """Keep the bar: a run is one pass, which a resume begins in the middle."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the new losses beside the step that they are of."""
        self.train_progress_bar.n = trainer.global_step
        super().on_validation_end(trainer, pl_module)

    def init_validation_tqdm(self) -> Tqdm:
        """A second bar for a moment, if anyone looks."""
        return super().init_validation_tqdm() if self._watched else Tqdm(disable=True)
