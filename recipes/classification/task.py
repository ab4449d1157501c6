"""``train_classifier(cfg)``: from a composed config to weights that serve as an encoder's."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from omegaconf import DictConfig
from torch import Tensor
from torch.optim import Optimizer

from faststyle.config.compose import instantiate
from faststyle.core.errors import UserError, nearest
from faststyle.core.torch_files import write_torch
from faststyle.images.pixels import to_unit
from faststyle.training.engine.schedule import Schedule, scheduled
from faststyle.training.engine.task import Task, run_task
from recipes.classification.data import ClassData
from recipes.classification.network import Classifier

_NORMALIZATIONS = ("data", "imagenet")
Labeled = tuple[Tensor, Tensor]  # uint8 (N, 3, S, S), classes (N,)


class Classification(pl.LightningModule):
    """Lower the cross-entropy of ``network``'s scores; TensorBoard shows it and the accuracy.

    ``optimizer`` makes one of parameters; ``schedule`` is a step's factor of its rate.
    """

    def __init__(
        self,
        network: Classifier,
        optimizer: Callable[[Iterable[Tensor]], Optimizer],
        schedule: Schedule,
    ) -> None:
        super().__init__()
        self.network = network
        self._optimizer, self._schedule = optimizer, schedule
        self.to(memory_format=torch.channels_last)

    def training_step(self, batch: Labeled) -> Tensor:
        """One step on a batch."""
        return self._loss("train", batch)

    def validation_step(self, batch: Labeled) -> None:
        """The same on pictures that were held out."""
        self._loss("val", batch)

    def configure_optimizers(self) -> Any:
        """The optimizer that ``optimizer`` makes, and the schedule."""
        return scheduled(self._optimizer(self.network.parameters()), self._schedule)

    def _loss(self, stage: str, batch: Labeled) -> Tensor:
        pixels, classes = batch
        pictures = to_unit(pixels).contiguous(memory_format=torch.channels_last)
        scores = self.network(pictures).float()
        loss = F.cross_entropy(scores, classes)
        accuracy = (scores.argmax(1) == classes).float().mean()
        shown = {f"{stage}/loss": loss.detach(), f"{stage}/accuracy": accuracy}
        self.log_dict(shown, prog_bar=True, batch_size=len(pixels), sync_dist=stage == "val")
        return loss


def train_classifier(cfg: DictConfig) -> Path | None:
    """Train a classifier by what ``configs/classifier.yaml`` composes; see :func:`run_task`.

    Returns the file of its weights, with torchvision's keys and pixel statistics.
    """
    return run_task(cfg, "classifier", cfg.export, _build_task)


def _build_task(cfg: DictConfig) -> Task:
    if cfg.normalization not in _NORMALIZATIONS:
        guess = nearest(str(cfg.normalization), _NORMALIZATIONS)
        raise UserError(f'unknown normalization "{cfg.normalization}": {guess}')
    data: ClassData = instantiate(cfg.data)
    data.prepare_data()  # now: the network needs to know the classes
    data.setup()
    network = Classifier(classes=len(data.classes), **cfg.classifier)
    if cfg.normalization == "data":
        network.normalize_by(*data.statistics())
    module = Classification(network, instantiate(cfg.optimizer), instantiate(cfg.schedule))
    return Task(module, data, lambda path: write_torch(network.state_dict(), path))
