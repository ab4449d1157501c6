"""What trainings of networks that make pictures of pictures have in common."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor, nn

from faststyle.config.compose import instantiate
from faststyle.core.errors import UserError
from faststyle.encoder import LossNetwork
from faststyle.images.pixels import to_unit
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.styles.catalog import beside_shipped
from faststyle.styles.loading import METADATA_KEY
from faststyle.training.engine.schedule import Schedule, constant, scheduled
from faststyle.training.engine.task import Task, model_checkpoint

log = logging.getLogger(__name__)


class PictureModule(pl.LightningModule, ABC):
    """Train ``network`` with Adam to lower ``loss``; checkpoints say what it is.

    Only the network has parameters and a state dict; the loss is made of constants. ``schedule`` is
    a step's factor of the learning rate, which rises from almost 0 over the ``warmup_steps``.
    ``channels_last`` is the layout that convolutions prefer. ``compile`` runs the network and the
    loss network through ``torch.compile``.

    Raises ``UserError`` for a network that is not registered, or a learning rate not above 0.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        metadata: StyleMetadata,
        schedule: Schedule = constant,
        learning_rate: float = 1e-3,
        warmup_steps: int = 50,
        channels_last: bool = True,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.network, self.loss = network, loss
        self.metadata = metadata.of_network(network)  # now: what is not registered is refused
        if not isinstance(learning_rate, int | float) or not learning_rate > 0:
            raise UserError(f"model.learning_rate={learning_rate} must be a number above 0")
        self.learning_rate, self._schedule = learning_rate, schedule
        self.warmup_steps = warmup_steps
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.layout)
        if compile:
            encoders = [each for each in loss.modules() if isinstance(each, LossNetwork)]
            for each in (network, *encoders):
                each.compile(dynamic=False)  # crops have one size

    @abstractmethod
    def samples(self, photos: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Names and pictures (3, H, W) in [0, 1], of photos (N, 3, S, S) as batches have them."""

    @property
    def trained(self) -> TrainedStyle:
        """The network as it is now, and what its file says."""
        return TrainedStyle(self.network, replace(self.metadata, steps=self.global_step))

    @property
    def tuned(self) -> list[nn.Parameter]:
        """The parameters that are trained."""
        return [parameter for parameter in self.network.parameters() if parameter.requires_grad]

    @property
    def is_shown(self) -> bool:
        """Whether this step is logged: means over all processes cost a round of messages each."""
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        return (self.global_step + 1) % every == 0

    def on_after_batch_transfer(self, batch: Tensor, _dataloader_idx: int) -> Tensor:
        """uint8 photos, which are a quarter of the bytes to move, become float on the device."""
        photos = to_unit(batch).to(self.dtype)  # float64 for trainer.precision=64-true
        return photos.contiguous(memory_format=self.layout)

    def configure_optimizers(self) -> Any:
        """Adam on what is tuned of the network; the schedule times a linear warm-up."""
        optimizer = torch.optim.Adam(self.tuned, lr=self.learning_rate)
        return scheduled(optimizer, self._schedule, self.warmup_steps)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what is needed to use the checkpoint."""
        checkpoint[METADATA_KEY] = self.metadata.write()

    def log_terms(self, stage: str, terms: Mapping[str, Tensor], count: int) -> None:
        """Show the terms of the loss of ``count`` photos, of which ``loss`` is the whole."""
        for name, value in terms.items():
            is_loss = name == "loss"
            self.log(f"{stage}/{name}", value, prog_bar=is_loss, batch_size=count, sync_dist=True)


class Samples(Callback):
    """Show in TensorBoard what becomes of the same ``count`` held-out photos, a card for each.

    That is after every so many steps, and at the first and the last one.
    """

    def __init__(self, count: int, every_n_steps: int) -> None:
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


def picture_task(
    cfg: DictConfig,
    module: PictureModule,
    data: pl.LightningDataModule,
    write: Callable[[Path], None],
    check_resume: Callable[[Path], object],
) -> Task:
    """The training of ``module``; TensorBoard shows samples, and the best state is kept."""
    averaging = [instantiate(cfg.averaging)] if cfg.averaging else []
    best = model_checkpoint(cfg, filename="best", monitor="val/loss")
    callbacks = [*averaging, Samples(**cfg.samples), best]
    return Task(module, data, write, callbacks, check_resume, "exported")


def spare_shipped(cfg: DictConfig) -> str:
    """Where ``cfg.export.path`` may be written: beside a file that ships, and so it is said."""
    asked = Path(cfg.export.path).expanduser()
    target = asked if cfg.overwrite else beside_shipped(asked)
    if target != asked:
        log.warning(
            "%s ships with faststyle and stays; this run writes %s (overwrite=true replaces it)",
            *(asked, target),
        )
    return str(target)
