"""What a network makes of photos so far, in TensorBoard."""

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from faststyle.training.engine.picture_module import PictureModule


class Samples(Callback):
    """Show in TensorBoard what becomes of the same few held-out photos, each on a card of its own.

    Args:
        count: how many photos.
        every_n_steps: how often, besides the first and the last step.
    """

    def __init__(self, count: int = 4, every_n_steps: int = 500) -> None:
        self.count, self.every_n_steps = count, every_n_steps
        self._photos: Tensor | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the first held-out photos."""
        held_out = trainer.datamodule.photos.held_out  # type: ignore[attr-defined]
        count = min(self.count, len(held_out))
        if count and trainer.is_global_zero:
            photos = torch.stack([held_out.center_crop(i) for i in range(count)])
            self._photos = pl_module.on_after_batch_transfer(photos.to(pl_module.device), 0)
            if trainer.global_step == 0:
                self._show(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object
    ) -> None:
        """Show every so often."""
        if trainer.global_step % self.every_n_steps == 0:
            self._show(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the result, unless the last step just did."""
        if trainer.global_step % self.every_n_steps:
            self._show(trainer, pl_module)

    @torch.no_grad()
    def _show(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._photos is None or not isinstance(trainer.logger, TensorBoardLogger):
            return
        assert isinstance(pl_module, PictureModule)
        mode = pl_module.network.training
        pl_module.network.eval()
        for name, picture in pl_module.samples(self._photos):
            trainer.logger.experiment.add_image(f"val_samples/{name}", picture, trainer.global_step)
        pl_module.network.train(mode)
