"""A frozen VGG (Simonyan and Zisserman, 2015) as loss network, layers named as in papers."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from faststyle.core.errors import UserError, nearest
from faststyle.encoder.freeze import freeze
from faststyle.encoder.normalize_activations import normalize_activations
from faststyle.encoder.weights import load_weights

ARCHITECTURES = tuple(f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn"))


class VGGEncoder(nn.Module):
    """Features of pictures at named layers of a VGG whose weights never change.

    Layers are ``conv1_1``, (``bn1_1``,) ``relu1_1`` ... ``pool5``; ``input`` is the normalized
    picture itself. Weights are buffers outside the state dict: they move with the module, but no
    optimizer sees them and no checkpoint holds them.

    Args:
        arch: ``vgg11``, ``vgg13``, ``vgg16``, ``vgg19``, each also with ``_bn``.
        weights: ``imagenet`` (torchvision's, downloaded once and verified), ``random`` (seeded,
            variance-preserving, nothing to download), or the path of a ``.pth`` or
            ``.safetensors`` file with torchvision's keys, and perhaps the pixels' ``mean`` and
            ``std`` that it expects instead of ImageNet's (``scripts/train_classifier.py``).
        pooling: ``max`` as trained, or ``avg`` (smoother gradients, Gatys et al., 2016).
        unit_activations: rescale every layer to a mean activation of 1; see
            :mod:`faststyle.encoder.normalize_activations`.
        seed: of the ``random`` weights.

    Raises:
        UserError: an unknown architecture or pooling; weights that cannot be had or do not fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        arch: str = "vgg19",
        weights: str = "imagenet",
        pooling: str = "max",
        unit_activations: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if arch not in ARCHITECTURES:
            raise UserError(f'unknown encoder "{arch}": {nearest(arch, ARCHITECTURES)}')
        if pooling not in ("max", "avg"):
            raise UserError(f'unknown pooling "{pooling}": choose max or avg')
        self.arch = arch
        self.pooling = pooling
        with torch.device("meta"):  # skip the initialization of 100 million classifier weights
            features = torchvision.models.get_model(arch, weights=None).features
        mean, std = load_weights(features, arch, str(weights), seed)
        if unit_activations:
            normalize_activations(features.eval())
        self.features: nn.Sequential = features
        self.names = _name_layers(features)
        self.register_buffer("mean", mean.view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", std.view(1, 3, 1, 1), persistent=False)
        freeze(self.features)
        super().train(False)

    def train(self, mode: bool = True) -> "VGGEncoder":
        """Stay in evaluation mode, whatever the module around asks for."""
        del mode
        return self

    def check_layers(self, layers: Iterable[str]) -> None:
        """Raise ``UserError`` for a layer that this VGG lacks, naming the nearest that it has."""
        known = ("input", *self.names)
        for layer in layers:
            if layer not in known:
                raise UserError(f'{self.arch} has no layer "{layer}": {nearest(layer, known)}')

    def forward(self, images: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Features of ``images`` (N, 3, H, W; RGB in [0, 1]) at ``layers``, and no deeper.

        Returns layer -> (N, C, H / 2^k, W / 2^k), where k pooling layers came before. A picture
        too small to be pooled again keeps its size. Raises ``UserError`` for an unknown layer.
        """
        wanted = set(layers)
        self.check_layers(wanted)
        x = (images - self.mean) / self.std
        found = {"input": x} if "input" in wanted else {}
        for index, (name, module) in enumerate(zip(self.names, self.features, strict=True)):
            if len(found) == len(wanted):
                break
            if isinstance(module, nn.MaxPool2d):
                x = self._pool(x)
            elif isinstance(module, nn.ReLU):
                # In place unless the layer before is wanted too: its memory is not needed twice.
                x = F.relu(x, inplace=self.names[index - 1] not in wanted)
            else:
                x = module(x)
            if name in wanted:
                found[name] = x
        return found

    def _pool(self, x: Tensor) -> Tensor:
        if min(x.shape[-2:]) < 2:
            return x
        return F.max_pool2d(x, 2) if self.pooling == "max" else F.avg_pool2d(x, 2)


def _name_layers(features: nn.Sequential) -> list[str]:
    """Paper names in order: block and position within the block, counted by convolutions."""
    kinds = {nn.Conv2d: "conv", nn.BatchNorm2d: "bn", nn.ReLU: "relu", nn.MaxPool2d: "pool"}
    names = []
    block, position = 1, 0
    for module in features:
        kind = kinds[type(module)]
        position += kind == "conv"
        if kind == "pool":
            names.append(f"pool{block}")
            block, position = block + 1, 0
        else:
            names.append(f"{kind}{block}_{position}")
    return names
