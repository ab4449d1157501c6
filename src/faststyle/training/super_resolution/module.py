"""The LightningModule: a network that learns to undo a picture's scaling down."""

from collections.abc import Iterator

import torch
from torch import Tensor

from faststyle.data.degradation import degrade
from faststyle.images.pixels import resample
from faststyle.losses.reconstruction import ReconstructionLoss
from faststyle.losses.terms import LossTerms
from faststyle.networks.super_resolution import SuperResolutionNetwork
from faststyle.styles.metadata import StyleMetadata
from faststyle.training.engine.picture_module import PictureModule
from faststyle.training.engine.schedule import Schedule, constant

#: So many rows, and columns, are the first that the loss sees: a step's next pair of them.
_STARTS, _STRIDE = 16, 37


class SuperResolution(PictureModule):
    """Train ``network`` with Adam to make pictures anew from what :func:`degrade` leaves of them.

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

    network: SuperResolutionNetwork

    def __init__(
        self,
        network: SuperResolutionNetwork,
        loss: ReconstructionLoss,
        metadata: StyleMetadata,
        schedule: Schedule = constant,
        learning_rate: float = 4e-4,
        warmup_steps: int = 50,
        channels_last: bool = True,
        compile: bool = False,
    ) -> None:
        super().__init__(
            network, loss, metadata, schedule, learning_rate, warmup_steps, channels_last
        )
        if compile:
            self.network.compile(dynamic=False)  # crops have one size
            if loss.perceptual is not None:
                loss.perceptual.encoder.compile(dynamic=False)

    def forward(self, small: Tensor) -> Tensor:
        """Enlarge (N, 3, H, W) in [0, 1]; H and W become ``network.factor`` times as many."""
        enlarged: Tensor = self.network(small)
        return enlarged

    def training_step(self, batch: Tensor) -> Tensor:
        """One step on photos (N, 3, H, W), which are the truth.

        The loss network pools pixels two by two, and textures are of squares. Where these begin
        changes from step to step, or what they prefer becomes a pattern in the result.
        """
        terms = self._terms(batch, *divmod(_STRIDE * self.global_step % _STARTS**2, _STARTS))
        if self.is_shown:
            self._log("train", terms, len(batch))
        return terms.total

    def validation_step(self, batch: Tensor) -> None:
        """The same loss on held-out photos."""
        self._log("val", self._terms(batch), len(batch))

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

    def _terms(self, photos: Tensor, row: int = 0, column: int = 0) -> LossTerms:
        """What is seen from a row and a column on, always as much."""
        made = self(degrade(photos, self.network.factor))
        seen = ..., _window(photos.shape[2], row), _window(photos.shape[3], column)
        terms: LossTerms = self.loss(made[seen], photos[seen])
        return terms

    def _log(self, stage: str, terms: LossTerms, count: int) -> None:
        flat = terms.flat()
        values = {name.replace("style", "texture"): value for name, value in flat.items()}
        self.log_terms(stage, values, count)


def _window(side: int, start: int) -> slice:
    """A part of ``side`` pixels that begins at ``start``, or before it where these are few."""
    starts = min(_STARTS, side // 2)
    first = start % starts
    return slice(first, first + side - starts + 1)
