"""The LightningModule: a network that learns to undo a picture's scaling down."""

from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from faststyle.checkpoints.loading import FACTS_KEY
from faststyle.checkpoints.metadata import StyleMetadata
from faststyle.core.errors import UserError
from faststyle.data.degradation import degrade
from faststyle.losses.reconstruction import ReconstructionLoss
from faststyle.losses.terms import LossTerms
from faststyle.networks.super_resolution import SuperResolutionNetwork
from faststyle.pictures.pixels import resample, to_unit
from faststyle.training.engine.schedule import Schedule, constant, scheduled


class SuperResolution(pl.LightningModule):
    """Train ``network`` with Adam to make pictures anew from what :func:`degrade` leaves of them.

    Only the network has parameters and a state dict; the loss network is made of constants.

    Args:
        network: enlarges pictures.
        loss: what is to be lowered.
        metadata: what every checkpoint says.
        schedule: a step's factor of the learning rate.
        learning_rate: of Adam.
        warmup_steps: over which the learning rate rises from almost 0.
        channels_last: keep tensors in the layout that convolutions prefer.
        compile: run network and encoder through ``torch.compile``.

    Raises:
        UserError: a learning rate that is not above 0.
    """

    def __init__(
        self,
        network: SuperResolutionNetwork,
        loss: ReconstructionLoss,
        metadata: StyleMetadata,
        schedule: Schedule = constant,
        learning_rate: float = 1e-3,
        warmup_steps: int = 0,
        channels_last: bool = True,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.network, self.loss = network, loss
        self.metadata = metadata.of_network(network)
        if not isinstance(learning_rate, int | float) or not learning_rate > 0:
            raise UserError(f"model.learning_rate={learning_rate} must be a number above 0")
        self.learning_rate, self._schedule = learning_rate, schedule
        self.warmup_steps = warmup_steps
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.layout)
        if compile:
            self.network.compile(dynamic=False)  # crops have one size
            if loss.perceptual is not None:
                loss.perceptual.encoder.compile(dynamic=False)

    def forward(self, small: Tensor) -> Tensor:
        """Enlarge (N, 3, H, W) in [0, 1]; H and W become ``network.factor`` times as many."""
        enlarged: Tensor = self.network(small)
        return enlarged

    def on_after_batch_transfer(self, batch: Tensor, _dataloader_idx: int) -> Tensor:
        """uint8 photos, which are a quarter of the bytes to move, become float on the device."""
        photos = to_unit(batch).to(self.dtype)  # float64 for trainer.precision=64-true
        return photos.contiguous(memory_format=self.layout)

    def training_step(self, batch: Tensor) -> Tensor:
        """One step on photos (N, 3, H, W), which are the truth."""
        terms = self._terms(batch)
        # Means over all processes cost a round of messages each: only for steps that are shown.
        if (self.global_step + 1) % self.trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._log("train", terms, len(batch))
        return terms.total

    def validation_step(self, batch: Tensor) -> None:
        """The same loss on held-out photos."""
        self._log("val", self._terms(batch), len(batch))

    def configure_optimizers(self) -> Any:
        """Adam; the schedule times a linear warm-up."""
        optimizer = torch.optim.Adam(self.network.parameters(), lr=self.learning_rate)
        return scheduled(optimizer, self._schedule, self.warmup_steps)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what is needed to use the checkpoint."""
        checkpoint[FACTS_KEY] = self.metadata.write()

    def samples(self, photos: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Of each photo a name, and side by side its pixels, bicubic enlargement, ours, truth."""
        small = degrade(photos, self.network.factor)
        ours = self(small).float().clamp(0, 1)
        for number, truth in enumerate(photos, start=1):
            size = (truth.shape[1], truth.shape[2])
            shown = small[number - 1]
            pixels = shown.repeat_interleave(self.network.factor, 1)
            pixels = pixels.repeat_interleave(self.network.factor, 2)
            row = [pixels, resample(shown, size), ours[number - 1], truth]
            yield f"photo_{number}", torch.cat(row, dim=2)

    def _terms(self, photos: Tensor) -> LossTerms:
        terms: LossTerms = self.loss(self(degrade(photos, self.network.factor)), photos)
        return terms

    def _log(self, stage: str, terms: LossTerms, count: int) -> None:
        values = {f"{stage}/{name}": value for name, value in terms.flat().items()}
        values.pop(f"{stage}/style")  # there is none
        loss = values.pop(f"{stage}/loss")
        self.log(f"{stage}/loss", loss, prog_bar=True, batch_size=count, sync_dist=True)
        self.log_dict(values, batch_size=count, sync_dist=True)
