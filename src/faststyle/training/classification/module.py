"""The LightningModule that trains a classifier."""

from collections.abc import Callable, Iterable
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Optimizer

from faststyle.images.pixels import to_unit
from faststyle.training.classification.network import Classifier
from faststyle.training.engine.schedule import Schedule, scheduled

Labeled = tuple[Tensor, Tensor]  # uint8 (N, 3, S, S), classes (N,)


class Classification(pl.LightningModule):
    """Lower the cross-entropy of ``network``'s scores; TensorBoard shows it and the accuracy.

    Args:
        network: to be trained.
        optimizer: makes one of the network's parameters.
        schedule: a step's factor of the learning rate.
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
        for name, value in (("loss", loss.detach()), ("accuracy", accuracy)):
            self.log(
                f"{stage}/{name}",
                value,
                prog_bar=True,
                batch_size=len(pixels),
                sync_dist=stage == "val",
            )
        return loss
