"""The LightningModule: a transform network trained against a perceptual loss."""

from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.checkpoints.loading import FACTS_KEY
from faststyle.checkpoints.metadata import StyleMetadata
from faststyle.core.errors import UserError, nearest
from faststyle.losses import LossTerms, PerceptualLoss
from faststyle.losses.temporal import TemporalLoss
from faststyle.networks.noise import AddNoise
from faststyle.pictures.pixels import to_unit
from faststyle.training.engine.schedule import Schedule, constant, scheduled
from faststyle.training.style.assignment import StyleOrder
from faststyle.training.style.means import MeansByStyle

#: What of a network may be trained.
TUNE = ("all", "norms")


class StyleTransfer(pl.LightningModule):
    """Train ``network`` with Adam to lower ``loss`` on photos.

    Only the network has parameters and a state dict; the loss network is made of constants.

    Args:
        network: the transform network.
        loss: the perceptual loss, its style or styles already set.
        metadata: what every checkpoint says of the style or styles.
        learning_rate: of Adam.
        schedule: a step's factor of the learning rate.
        warmup_steps: over which the learning rate rises from almost 0.
        channels_last: keep tensors in the layout that convolutions prefer.
        compile: run network and encoder through ``torch.compile``.
        photo_noise: standard deviation, in gray levels of 255, of noise that is added to what the
            network sees and not to what the loss compares with, so that a camera's noise becomes no
            pattern and a clip does not flicker with it.
        order: of several styles, which the network and the loss have: that of each photo.
        tune: ``all``, or ``norms`` for the scales and shifts of normalizations alone, which are
            what styles in one network differ in (Dumoulin et al., 2017, section 3.2).
        temporal: what flickers between two views of each photo.

    Raises:
        UserError: a learning rate that is not above 0, noise below 0, an unknown ``tune``, or a
            network that is not registered, enlarges, or has no normalizations to be tuned.
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
        order: StyleOrder | None = None,
        tune: str = "all",
        temporal: TemporalLoss | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.metadata = metadata.of_network(network)  # now: what is not registered is refused
        if not isinstance(learning_rate, int | float) or not learning_rate > 0:
            raise UserError(f"model.learning_rate={learning_rate} must be a number above 0")
        if self.metadata.factor > 1:
            raise UserError("a network that enlarges learns no style: train-super-resolution")
        if not isinstance(photo_noise, int | float) or not photo_noise >= 0:
            raise UserError(f"model.photo_noise={photo_noise} must be a number, 0 or more")
        self.tuned = _tuned(network, tune)
        self.learning_rate, self._schedule = learning_rate, schedule
        self.warmup_steps = warmup_steps
        self.photo_noise = photo_noise
        self.order = order
        self.temporal = temporal
        self._means = {
            stage: MeansByStyle(order.count) for stage in ("train", "val") if order is not None
        }
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.layout)
        if compile:
            self.network.compile(dynamic=False)  # crops have one size
            self.loss.encoder.compile(dynamic=False)

    def forward(self, photos: Tensor, styles: Tensor | None = None) -> Tensor:
        """Stylize (N, 3, H, W) in [0, 1]; the result has the same shape.

        ``styles``: the number of each photo's style, (N,), if there are several.
        """
        mixture = () if styles is None else (self._mixture(styles).to(photos),)
        stylized: Tensor = self.network(photos, *mixture)
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
        places = self._places(batch)
        styles = None if self.order is None else self.order.at(places).to(batch.device)
        terms = self._terms(batch, self._with_noise(batch), styles, "train", places)
        # Means over all processes cost a round of messages each: only for steps that are shown.
        if (self.global_step + 1) % self.trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._log("train", terms, batch)
            self._log_styles("train")
        return terms.total

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        """The same loss on held-out photos, of several styles each photo in one, in turn."""
        size = self.trainer.val_dataloaders.batch_size  # type: ignore[union-attr]
        step = self.trainer.world_size
        first = batch_idx * size * step + self.trainer.global_rank
        places = range(first, first + len(batch) * step, step)
        styles = None
        if self.order is not None:
            styles = torch.tensor(places, device=batch.device) % self.order.count
        self._log("val", self._terms(batch, batch, styles, "val", places), batch)

    def on_validation_epoch_end(self) -> None:
        """The mean loss of each of several styles."""
        self._log_styles("val")

    def configure_optimizers(self) -> Any:
        """Adam on what is tuned of the network; the schedule times a linear warm-up."""
        optimizer = torch.optim.Adam(self.tuned, lr=self.learning_rate)
        return scheduled(optimizer, self._schedule, self.warmup_steps)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what is needed to use the checkpoint as a style."""
        checkpoint[FACTS_KEY] = self.metadata.write()

    def samples(self, photos: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Of each photo a name, and the photo beside its stylized version; of every style."""
        labels = self.metadata.labels()
        for number in range(max(1, len(labels))):
            styles = torch.full((len(photos),), number, device=photos.device)
            stylized = self(photos, styles if labels else None).float().clamp(0, 1)
            for index, pair in enumerate(zip(photos, stylized, strict=True), start=1):
                name = "/".join([*labels[number : number + 1], f"photo_{index}"])
                yield name, torch.cat(pair, dim=2)

    def _mixture(self, styles: Tensor) -> Tensor:
        assert self.order is not None
        return F.one_hot(styles, self.order.count)

    def _places(self, batch: Tensor) -> range:
        """Of this process's photos in the whole run; see ``StepSampler``."""
        count = len(batch)
        first = (self.global_step * self.trainer.world_size + self.trainer.global_rank) * count
        return range(first, first + count)

    def _terms(
        self, photos: Tensor, shown: Tensor, styles: Tensor | None, stage: str, seeds: range
    ) -> LossTerms:
        """Of what the network makes of ``shown``, which should look like ``photos``."""
        targets = self.loss.targets(photos, styles)
        stylized = self(shown, styles)
        terms: LossTerms = self.loss(stylized, targets)
        if self.temporal is not None:
            views = self.temporal.views(photos, seeds)
            later = self(views.photos.to(photos), styles)
            terms = terms.plus("temporal", self.temporal(stylized, later, views))
        if styles is not None:
            self._means[stage].add(styles, terms.each)
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

    def _log_styles(self, stage: str) -> None:
        if self.order is None:
            return
        labels = self.metadata.labels()
        means = self._means[stage].take(self.all_gather)  # type: ignore[arg-type]
        # Not by self.log, which would repeat the last loss of a style that was not shown since.
        if self.logger:
            values = {f"{stage}/loss/{labels[style]}": loss for style, loss in means.items()}
            self.logger.log_metrics(values, self.global_step)


def _tuned(network: nn.Module, tune: str) -> list[nn.Parameter]:
    """The parameters to train; the others of ``network`` need no gradients then."""
    if tune not in TUNE:
        raise UserError(f'tune="{tune}": {nearest(tune, TUNE)}')
    if tune == "norms":
        kinds = nn.InstanceNorm2d, nn.BatchNorm2d
        norms = [module for module in network.modules() if isinstance(module, kinds)]
        network.requires_grad_(False)
        for norm in norms:
            norm.requires_grad_(True)
    tuned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not tuned:
        raise UserError("tune=norms: this network has no normalizations")
    return tuned
