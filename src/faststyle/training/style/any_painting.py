"""The LightningModule of a network that takes any painting."""

from collections.abc import Iterator

import torch
from torch import Tensor

from faststyle.core.chance import Purpose, numpy_generator
from faststyle.losses import LossTerms
from faststyle.networks.any_painting import AnyPaintingNetwork
from faststyle.training.style.module import StyleTransfer

#: How many of the photos are to stay as they are.
_KEPT = 0.06


class AnyPaintingTransfer(StyleTransfer):
    """Train an :class:`AnyPaintingNetwork` on photos that come with a painting each.

    Its batches are (N, 6, H, W): three channels of a photo, and three of a painting of the same
    size. Some photos, which are a function of seed and place, are to stay as they are: their
    style is their own.
    """

    network: AnyPaintingNetwork

    def training_step(self, batch: Tensor) -> Tensor:
        """One step on a batch (N, 6, H, W)."""
        photos, paintings = self._split(batch)
        kept = [self._is_kept(place) for place in self._places(len(batch))]
        keep = torch.tensor(kept, device=batch.device)
        terms = self._terms_of(photos, self._with_noise(photos), paintings, keep)
        if self.is_shown:
            self._log("train", terms, photos)
        return terms.total

    def validation_step(self, batch: Tensor, _batch_idx: int) -> None:
        """The same loss on held-out photos and held-out paintings."""
        photos, paintings = self._split(batch)
        keep = torch.zeros(len(batch), dtype=torch.bool, device=batch.device)
        self._log("val", self._terms_of(photos, photos, paintings, keep), photos)

    def samples(self, photos: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Of each held-out photo a name, and the photo, the painting, and what becomes of them."""
        paintings = self.trainer.datamodule.held_out_paintings(len(photos))  # type: ignore[attr-defined]
        paintings = self.on_after_batch_transfer(paintings.to(photos.device), 0)
        stylized = self.network(photos, paintings).float().clamp(0, 1)
        for index, pictures in enumerate(zip(photos, paintings, stylized, strict=True), start=1):
            yield f"photo_{index}", torch.cat(pictures, dim=2)

    def _terms_of(
        self, photos: Tensor, shown: Tensor, paintings: Tensor, keep: Tensor
    ) -> LossTerms:
        """Of what the network makes of ``shown``, which should look like ``photos``."""
        wanted = torch.where(keep.view(-1, 1, 1, 1), photos, paintings)
        targets = self.loss.targets(photos, paintings=wanted)
        stylized = self.network(shown, paintings, self._noise(photos.device), keep)
        terms: LossTerms = self.loss(stylized, targets, self._loss_generator(self.training))
        return terms

    def _split(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        photos, paintings = batch[:, :3], batch[:, 3:]
        layout = self.layout
        return photos.contiguous(memory_format=layout), paintings.contiguous(memory_format=layout)

    def _is_kept(self, place: int) -> bool:
        return bool(numpy_generator(self.seed, Purpose.PHOTO_STYLE, place).random() < _KEPT)
