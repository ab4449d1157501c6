"""A frozen VGG (Simonyan and Zisserman, 2015) as loss network, layers named as in papers."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from faststyle.core.errors import UserError, nearest
from faststyle.core.limits import OneOf
from faststyle.encoder.activations import normalize_activations
from faststyle.encoder.base import LOSS_NETWORKS, LossNetwork
from faststyle.encoder.weights import load_weights
from faststyle.networks import kernels, winograd

ARCHITECTURES = tuple(f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn"))


class VGGEncoder(LossNetwork):
    """Features of pictures at named layers of a VGG whose weights never change.

    Layers are ``input``, ``conv1_1``, (``bn1_1``,) ``relu1_1`` ... ``pool5``. Features at one have
    shape (N, C, H / 2^k, W / 2^k), where k pooling layers came before; a picture too small to be
    pooled again keeps its size.

    Args:
        arch: ``vgg11``, ``vgg13``, ``vgg16``, ``vgg19``, each also with ``_bn``.
        weights: ``imagenet`` (torchvision's, downloaded once and verified), ``random`` (seeded,
            variance-preserving, nothing to download), or the path of a ``.pth`` or
            ``.safetensors`` file with torchvision's keys, and perhaps the pixels' ``mean`` and
            ``std`` that it expects instead of ImageNet's (``faststyle train-classifier``).
            Torchvision's without a classifier, and Caffe's of Oxford's VGG-19, are recognized.
            Or that of an author's file (:mod:`faststyle.encoder.author_files`).
        pooling: ``max`` as trained, or ``avg`` (smoother gradients, Gatys et al., 2016).
        unit_activations: :func:`normalize_activations`.
        seed: of the ``random`` weights.
        mean: of the pixels that the weights expect, if the file does not say it: three numbers, of
            ``channels`` in their order, in units of ``range``.
        std: their deviation, likewise.
        channels: ``rgb`` or, for Caffe's weights, ``bgr``.
        range: what white is: 1, or 255 where a mean is above 1.5.

    Raises:
        UserError: an unknown architecture or pooling; weights that cannot be had or do not fit.
    """

    def __init__(
        self,
        arch: str = "vgg19",
        weights: str = "imagenet",
        pooling: str = "max",
        unit_activations: bool = False,
        seed: int = 0,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        channels: Annotated[str | None, OneOf((None, "rgb", "bgr"))] = None,
        range: Annotated[float | None, OneOf((None, 1, 255))] = None,
    ) -> None:
        if arch not in ARCHITECTURES:
            raise UserError(f'unknown encoder "{arch}": {nearest(arch, ARCHITECTURES)}')
        if pooling not in ("max", "avg"):
            raise UserError(f'unknown pooling "{pooling}": choose max or avg')
        with torch.device("meta"):  # skip the initialization of 100 million classifier weights
            features = torchvision.models.get_model(arch, weights=None).features
        pixels = {"mean": mean, "std": std, "channels": channels, "range": range}
        mean, std = load_weights(features, arch, str(weights), seed, pixels)
        if unit_activations:
            normalize_activations(features.eval())
        super().__init__(_name_layers(features), str(weights), mean, std)
        self.features: nn.Sequential = features
        self.pooling, self.unit_activations = pooling, unit_activations
        #: Of layers' weights the transforms for tiles of a size, each computed once.
        self._kernels: dict[tuple[str, int], Tensor] = {}
        self.freeze()

    def iter_features(self, x: Tensor, wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
        """Every layer of the VGG, wanted or not."""
        before = "input"
        for name, module in zip(self.names, self.features, strict=True):
            if isinstance(module, nn.MaxPool2d):
                x = self._pool(x)
            elif isinstance(module, nn.ReLU):
                # In place unless the layer before is wanted too: its memory is not needed twice.
                x = F.relu(x, inplace=before not in wanted)
            elif isinstance(module, nn.Conv2d):
                x = self._convolve(name, module, x)
            else:
                x = module(x)
            yield name, x
            before = name

    def describe(self) -> dict[str, object]:
        """Name, weights, and what was made of them."""
        own = {"pooling": self.pooling, "unit_activations": self.unit_activations}
        return super().describe() | own

    def _convolve(self, name: str, conv: nn.Conv2d, x: Tensor) -> Tensor:
        if not kernels.winograd_is_faster(x, conv.weight, constant=True):
            return conv(x)  # type: ignore[no-any-return]
        assert conv.bias is not None
        tile = winograd.best_tile(*x.shape[2:])
        if (name, tile) not in self._kernels:
            self._kernels[name, tile] = winograd.transform_weights(conv.weight, tile)
        kernel = self._kernels[name, tile]
        return kernels.convolve_winograd(x, conv.weight, conv.bias, "constant", kernel)

    def _pool(self, x: Tensor) -> Tensor:
        if min(x.shape[-2:]) < 2:
            return x
        return F.max_pool2d(x, 2) if self.pooling == "max" else F.avg_pool2d(x, 2)


for _arch in ARCHITECTURES:
    LOSS_NETWORKS.register(_arch, arch=_arch)(VGGEncoder)


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
