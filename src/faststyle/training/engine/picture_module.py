"""What trainings of networks that make pictures of pictures have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.images.pixels import to_unit
from faststyle.styles.loading import METADATA_KEY
from faststyle.styles.metadata import StyleMetadata
from faststyle.training.engine.schedule import Schedule, scheduled


class PictureModule(pl.LightningModule, ABC):
    """Train ``network`` with Adam; checkpoints say what it is.

    Only the network has parameters and a state dict; the loss is made of constants.

    Args:
        network: one that is registered.
        loss: what is to be lowered.
        metadata: what every checkpoint says.
        schedule: a step's factor of the learning rate.
        learning_rate: of Adam.
        warmup_steps: over which the learning rate rises from almost 0.
        channels_last: keep tensors in the layout that convolutions prefer.

    Raises:
        UserError: a network that is not registered, or a learning rate that is not above 0.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        metadata: StyleMetadata,
        schedule: Schedule,
        learning_rate: float,
        warmup_steps: int,
        channels_last: bool,
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

    @abstractmethod
    def samples(self, photos: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Names and pictures (3, H, W) in [0, 1], of photos (N, 3, S, S) as batches have them."""

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
        values = {f"{stage}/{name}": value for name, value in terms.items() if name != "loss"}
        loss = terms["loss"]
        self.log(f"{stage}/loss", loss, prog_bar=True, batch_size=count, sync_dist=True)
        self.log_dict(values, batch_size=count, sync_dist=True)
