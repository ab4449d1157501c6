"""What every loss network has: named layers, its own normalization, weights that are constants."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError, nearest
from faststyle.core.registry import Registry
from faststyle.images.pixels import IMAGENET_MEAN, IMAGENET_STD


class LossNetwork(nn.Module, ABC):
    """Features of pictures at named layers.

    A loss network calls this constructor, makes its modules, freezes itself (:meth:`freeze`), and
    gives its layers one after another (:meth:`iter_features`). ``input`` is a layer of every one:
    the normalized picture itself.

    Args:
        names: of its layers, from shallow to deep.
        weights: where they come from: a word, or the path of a file.
        mean: of the RGB pixels in [0, 1] that the weights expect, for each channel.
        std: their standard deviation.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        names: Sequence[str],
        weights: str = "random",
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.names, self.weights = tuple(names), weights
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self._frozen = False

    @property
    def name(self) -> str:
        """The name that it is registered under, or else that of its class."""
        return LOSS_NETWORKS.name_of(self) or type(self).__name__

    @abstractmethod
    def iter_features(self, x: Tensor, wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
        """Yield (layer, features), from shallow to deep, of the normalized pictures ``x``.

        Layers that are not ``wanted`` may be left out. Nothing may change features of a wanted
        layer once they were given; nobody asks for more than the deepest.
        """

    def forward(self, images: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Features of ``images`` (N, 3, H, W; RGB in [0, 1]) at ``layers``, and no deeper.

        Returns layer -> (N, C, h, w), from shallow to deep. Raises ``UserError`` for an unknown
        layer.
        """
        wanted = {*layers}  # torch.compile of PyTorch 2.11 fails on set(a_set)
        self.check_layers(wanted)
        x = (images - self.mean) / self.std
        found = {"input": x} if "input" in wanted else {}
        if len(found) == len(wanted):
            return found
        for name, value in self.iter_features(x, wanted):
            if name in wanted:
                found[name] = value
            if len(found) == len(wanted):
                break
        return found

    def check_layers(self, layers: Iterable[str]) -> None:
        """Raise ``UserError`` for a layer that there is not, naming the nearest that there is."""
        known = ("input", *self.names)
        for layer in layers:
            if layer not in known:
                raise UserError(f'{self.name} has no layer "{layer}": {nearest(layer, known)}')

    def freeze(self) -> None:
        """Make weights constants that move with the module, but are neither trained nor saved."""
        for module in self.modules():
            constants = dict(module.named_parameters(recurse=False))
            constants |= dict(module.named_buffers(recurse=False))  # type: ignore[arg-type]
            for name, value in constants.items():
                delattr(module, name)
                module.register_buffer(name, value.detach(), persistent=False)
        self._frozen = True
        self.train(False)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode once frozen, whatever the module around asks for."""
        return super().train(mode and not self._frozen)

    def describe(self) -> dict[str, object]:
        """What a style file says of the loss network it was trained with, as values for JSON.

        The name of a weights file helps others; its place on this machine is nobody's business.
        Raises ``UserError`` if the loss network is not registered.
        """
        if self.name not in LOSS_NETWORKS:
            raise UserError(f'unknown encoder "{self.name}": {nearest(self.name, LOSS_NETWORKS)}')
        return {"name": self.name, "weights": Path(self.weights).name}


#: Loss networks by the name that ``encoder=`` and files know them by.
LOSS_NETWORKS = Registry[LossNetwork]("encoder")
