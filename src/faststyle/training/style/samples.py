"""What the style looks like so far, in TensorBoard."""

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from faststyle.training.style.module import StyleTransfer


class Samples(Callback):
    """Show the same few held-out photos beside their stylized versions in TensorBoard.

    Each has a card of its own, in which strokes can be seen; a network of several styles has one
    for each style, too.

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
            assert isinstance(pl_module, StyleTransfer)
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
        assert isinstance(pl_module, StyleTransfer)
        mode = pl_module.network.training
        pl_module.network.eval()
        labels = pl_module.metadata.labels()
        for number in range(max(1, len(labels))):
            styles = torch.full((len(self._photos),), number, device=pl_module.device)
            stylized = pl_module(self._photos, styles if labels else None).float().clamp(0, 1)
            for index, pair in enumerate(zip(self._photos, stylized, strict=True), start=1):
                trainer.logger.experiment.add_image(
                    "/".join(["unseen", *labels[number : number + 1], f"photo_{index}"]),
                    torch.cat(pair, dim=2),
                    trainer.global_step,
                )
        pl_module.network.train(mode)
