"""The LightningModule: one transform network trained against one perceptual loss."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from faststyle.checkpoints.loading import FACTS_KEY
from faststyle.checkpoints.metadata import StyleMetadata
from faststyle.core.errors import UserError
from faststyle.losses import LossTerms, PerceptualLoss
from faststyle.networks.noise import AddNoise
from faststyle.pictures.pixels import to_unit
from faststyle.training.engine.schedule import Schedule, constant, scheduled


class StyleTransfer(pl.LightningModule):
    """Train ``network`` with Adam to lower ``loss`` on photos.

    Only the network has parameters and a state dict; the loss network is made of constants.

    Args:
        network: the transform network.
        loss: the perceptual loss, its style already set.
        metadata: what every checkpoint says of the style.
        learning_rate: of Adam.
        schedule: a step's factor of the learning rate.
        warmup_steps: over which the learning rate rises from almost 0.
        channels_last: keep tensors in the layout that convolutions prefer.
        compile: run network and encoder through ``torch.compile``.
        photo_noise: standard deviation, in gray levels of 255, of noise that is added to what the
            network sees and not to what the loss compares with, so that a camera's noise becomes no
            pattern and a clip does not flicker with it.

    Raises:
        UserError: a learning rate that is not above 0, noise below 0, or a network that is not
            registered.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: PerceptualLoss,
        metadata: StyleMetadata,
        schedule: Schedule = constant,
        learning_rate: float = 1e-3,
        warmup_steps: int = 0,
        channels_last: bool = True,
        compile: bool = False,
        photo_noise: float = 0.0,
    ) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.metadata = metadata.of_network(network)  # now: what is not registered is refused
        if not isinstance(learning_rate, int | float) or not learning_rate > 0:
            raise UserError(f"model.learning_rate={learning_rate} must be a number above 0")
        if not isinstance(photo_noise, int | float) or not photo_noise >= 0:
            raise UserError(f"model.photo_noise={photo_noise} must be a number, 0 or more")
        self.learning_rate, self._schedule = learning_rate, schedule
        self.warmup_steps = warmup_steps
        self.photo_noise = photo_noise
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.layout)
        if compile:
            self.network.compile(dynamic=False)  # crops have one size
            self.loss.encoder.compile(dynamic=False)

    def forward(self, photos: Tensor) -> Tensor:
        """Stylize (N, 3, H, W) in [0, 1]; the result has the same shape."""
        stylized: Tensor = self.network(photos)
        return stylized

    def on_after_batch_transfer(self, batch: Tensor, _dataloader_idx: int) -> Tensor:
        """uint8 photos, which are a quarter of the bytes to move, become float on the device."""
        photos = to_unit(batch).to(self.dtype)  # float64 for trainer.precision=64-true
        return photos.contiguous(memory_format=self.layout)

    def training_step(self, batch: Tensor) -> Tensor:
        """One step on uint8 photos (N, 3, H, W)."""
        for layer in self.network.modules():
            if isinstance(layer, AddNoise):
                layer.seed.fill_(self.global_step)
        terms = self._terms(batch, self._with_noise(batch))
        # Means over all processes cost a round of messages each: only for steps that are shown.
        if (self.global_step + 1) % self.trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._log("train", terms, batch)
        return terms.total

    def validation_step(self, batch: Tensor) -> None:
        """The same loss on held-out photos."""
        self._log("val", self._terms(batch, batch), batch)

    def configure_optimizers(self) -> Any:
        """Adam on the transform network; the schedule times a linear warm-up."""
        optimizer = torch.optim.Adam(self.network.parameters(), lr=self.learning_rate)
        return scheduled(optimizer, self._schedule, self.warmup_steps)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what is needed to use the checkpoint as a style."""
        checkpoint[FACTS_KEY] = self.metadata.write()

    def _terms(self, photos: Tensor, shown: Tensor) -> LossTerms:
        """Of what the network makes of ``shown``, which should look like ``photos``."""
        targets = self.loss.targets(photos)
        terms: LossTerms = self.loss(self(shown), targets)
        return terms

    def _with_noise(self, photos: Tensor) -> Tensor:
        if not self.photo_noise:
            return photos
        # By the step and in float32, so that a run that is resumed, or that several processes or
        # another precision share, sees the same noise.
        generator = torch.Generator(photos.device).manual_seed(self.global_step)
        noise = torch.empty(photos.shape[1:], dtype=torch.float32, device=photos.device)
        noise.normal_(0, self.photo_noise / 255, generator=generator)
        return photos + noise.to(photos)

    def _log(self, stage: str, terms: LossTerms, photos: Tensor) -> None:
        values = {f"{stage}/{name}": value for name, value in terms.flat().items()}
        style = terms.style.detach().clamp_min(1e-12)
        for layer, value in terms.style_layers.items():
            values[f"{stage}/style_share/{layer}"] = value.detach() / style
        loss = values.pop(f"{stage}/loss")
        count = len(photos)
        self.log(f"{stage}/loss", loss, prog_bar=True, batch_size=count, sync_dist=True)
        self.log_dict(values, batch_size=count, sync_dist=True)
