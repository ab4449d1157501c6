"""The LightningModule: a transform network trained against a perceptual loss."""

from collections.abc import Iterator
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.chance import Purpose, torch_generator, torch_seed
from faststyle.core.errors import UserError
from faststyle.core.limits import OneOf
from faststyle.losses import LossTerms, PerceptualLoss
from faststyle.losses.temporal import TemporalLoss
from faststyle.networks.noise import takes_noise
from faststyle.networks.stages import DEFAULT_FIELD, NoiseField, coarsest_features, stages_of
from faststyle.styles.metadata import StyleMetadata
from faststyle.training.engine.picture_module import PictureModule
from faststyle.training.style.several_styles import PerStyleMeter, StyleSampler


class EncoderFeatures:
    """Keeps the features of a network's last pass: what its first up-sampling layer is given.

    ``stride`` is how many pixels of the photo there are for each row of features. Raises
    ``UserError`` for a network without ``stages()`` of which one enlarges.
    """

    def __init__(self, network: nn.Module) -> None:
        found = coarsest_features(stages_of(network))
        if found is None:
            raise UserError(
                f"temporal.feature_weight: {type(network).__name__} has no stage that enlarges,"
                " before which features could be compared; set it to 0"
            )
        layer, self.stride = found
        self._last: Tensor | None = None
        cast(nn.Module, layer).register_forward_pre_hook(self._keep)

    def take(self) -> Tensor:
        """The features of the last pass, (N, C, H / stride, W / stride), which are let go."""
        features, self._last = self._last, None
        assert features is not None
        return features

    def _keep(self, _layer: nn.Module, inputs: tuple[Tensor]) -> None:
        [self._last] = inputs


class StyleTransfer(PictureModule):
    """Train ``network`` with Adam to lower ``loss`` on photos.

    Args:
        network: the transform network.
        loss: the perceptual loss, its style or styles already set.
        metadata: what every checkpoint says of the style or styles.
        photo_noise: standard deviation, in gray levels of 255, of noise that is added to what the
            network sees and not to what the loss compares with, so that a camera's noise becomes no
            pattern and a clip does not flicker with it.
        order: of several styles, which the network and the loss have: that of each photo.
        tune: ``all``, or ``norms`` for the scales and shifts of normalizations alone, which are
            what styles in one network differ in (Dumoulin et al., 2017, section 3.2).
        temporal: what flickers between two views of each photo.
        seed: of all random numbers.
        options: of :class:`PictureModule`.

    Raises:
        UserError: noise that is no number of 0 or more; an unknown ``tune``; or a network that
            enlarges, has no normalizations to be tuned, or no features for ``temporal``.
    """

    loss: PerceptualLoss

    def __init__(
        self,
        network: nn.Module,
        loss: PerceptualLoss,
        metadata: StyleMetadata,
        photo_noise: float = 2.0,
        order: StyleSampler | None = None,
        tune: str = "all",
        temporal: TemporalLoss | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(network, loss, metadata, **options)
        if self.metadata.factor > 1:
            raise UserError("a network that enlarges learns no style: train-super-resolution")
        if not isinstance(photo_noise, int | float) or not photo_noise >= 0:
            raise UserError(f"model.photo_noise={photo_noise} must be a number, 0 or more")
        _tune(network, tune)
        self.photo_noise, self.seed = photo_noise, seed
        self.order, self.temporal = order, temporal
        has_features = temporal is not None and temporal.feature_weight > 0
        self._features = EncoderFeatures(network) if has_features else None
        self._means = {stage: PerStyleMeter(order.count) for stage in ("train", "val") if order}

    def forward(self, photos: Tensor, styles: Tensor | None = None) -> Tensor:
        """Stylize (N, 3, H, W) in [0, 1]; the result has the same shape.

        ``styles``: the number of each photo's style, (N,), if there are several.
        """
        told: dict[str, object] = {}
        if styles is not None:
            assert self.order is not None
            told["style_weights"] = F.one_hot(styles, self.order.count).to(photos)
        if self.training and takes_noise(self.network):
            told["noise"] = self._noise(photos.device)
        stylized: Tensor = self.network(photos, **told)
        return stylized

    def training_step(self, batch: Tensor) -> Tensor:
        """One step on uint8 photos (N, 3, H, W)."""
        places = self._places(len(batch))
        styles = None if self.order is None else self.order.at(places).to(batch.device)
        terms = self._terms(batch, self._with_noise(batch), styles, "train", places)
        if self.is_shown:
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

    def samples(self, photos: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Of each photo a name, and the photo beside its stylized version; of every style."""
        labels = self.metadata.labels()
        for number in range(max(1, len(labels))):
            styles = torch.full((len(photos),), number, device=photos.device)
            stylized = self(photos, styles if labels else None).float().clamp(0, 1)
            for index, pair in enumerate(zip(photos, stylized, strict=True), start=1):
                name = "/".join([*labels[number : number + 1], f"photo_{index}"])
                yield name, torch.cat(pair, dim=2)

    def _terms(
        self, photos: Tensor, shown: Tensor, styles: Tensor | None, stage: str, places: range
    ) -> LossTerms:
        """Of what the network makes of ``shown``, which should look like ``photos``."""
        is_training = stage == "train"
        targets = self.loss.targets(photos, styles)
        stylized = self(shown, styles)
        terms: LossTerms = self.loss(stylized, targets, self._loss_generator(is_training))
        if self.temporal is not None:
            features = self._features
            before = features.take() if features else None
            seed = self.seed if is_training else 0
            seeds = [torch_seed(seed, Purpose.VIEW, place) for place in places]
            views = self.temporal.views(photos, seeds)
            later = self(views.photos.to(photos), styles)
            terms = terms.plus("temporal", self.temporal(stylized, later, views))
            if features and before is not None:
                after = features.take()
                values = self.temporal.of_features(before, after, views, features.stride)
                terms = terms.plus("temporal_features", values)
        if styles is not None:
            self._means[stage].add(styles, terms.each)
        return terms

    def _places(self, count: int) -> range:
        """Where in the whole run the photos of this step and process stand; see StepSampler."""
        trainer = self.trainer
        first = (self.global_step * trainer.world_size + trainer.global_rank) * count
        return range(first, first + count)

    def _noise(self, device: torch.device) -> NoiseField:
        """The noise of this step; outside of training it is the same everywhere."""
        if not self.training:
            return DEFAULT_FIELD
        seed = torch_seed(self.seed, Purpose.NETWORK_NOISE, self.global_step)
        return NoiseField(torch.tensor(seed, device=device))

    def _loss_generator(self, is_training: bool) -> torch.Generator | None:
        """Random numbers of this step; held-out photos have the same loss at every step."""
        return torch_generator(self.seed, Purpose.LOSS, self.global_step) if is_training else None

    def _with_noise(self, photos: Tensor) -> Tensor:
        if not self.photo_noise:
            return photos
        # One picture of noise in float32, so that a run in several processes, or in another
        # precision, sees the same.
        generator = torch_generator(self.seed, Purpose.PHOTO_NOISE, self.global_step, photos.device)
        noise = torch.empty(photos.shape[1:], dtype=torch.float32, device=photos.device)
        noise.normal_(0, self.photo_noise / 255, generator=generator)
        return photos + noise.to(photos)

    def _log(self, stage: str, terms: LossTerms, photos: Tensor) -> None:
        values = dict(terms.flat())
        style = terms.style.detach().clamp_min(1e-12)
        for layer, value in terms.style_layers.items():
            values[f"style_share/{layer}"] = value.detach() / style
        self.log_terms(stage, values, len(photos))

    def _log_styles(self, stage: str) -> None:
        if self.order is None:
            return
        labels = self.metadata.labels()
        means = self._means[stage].take(self.all_gather)  # type: ignore[arg-type]
        # Not by self.log, which would repeat the last loss of a style that was not shown since.
        if self.logger:
            values = {f"{stage}/loss/{labels[style]}": loss for style, loss in means.items()}
            self.logger.log_metrics(values, self.global_step)


def _tune(network: nn.Module, tune: str) -> None:
    """Let what is not to be trained of ``network`` need no gradients."""
    OneOf(("all", "norms")).check("tune", tune)
    if tune == "norms":
        kinds = nn.InstanceNorm2d, nn.BatchNorm2d
        network.requires_grad_(False)
        for module in network.modules():
            if isinstance(module, kinds):
                module.requires_grad_(True)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise UserError("tune=norms: this network has no normalizations")
