"""Somebody's own plug-ins: each one class, registered by its decorator."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.data.source import SOURCES, DataSpec, DataSplits, PhotoSource
from faststyle.encoder import LOSS_NETWORKS, LossNetwork
from faststyle.export import BACKENDS, ExportBackend, ExportModule, ExportOptions, LoadedModel
from faststyle.export.backend import trace
from faststyle.losses import STYLE_LOSSES, StatisticLoss, StyleLoss
from faststyle.networks import NETWORKS


@NETWORKS.register("sharpener")
class Sharpener(nn.Module):
    """A photo and what a single convolution adds to it."""

    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, size, padding=size // 2, padding_mode="reflect")

    def forward(self, images: Tensor) -> Tensor:
        sharpened: Tensor = images + self.conv(images)
        return sharpened


@LOSS_NETWORKS.register("pyramid")
class Pyramid(LossNetwork):
    """A photo at a fraction of its size, and at half of that."""

    def __init__(self, factor: int = 2) -> None:
        super().__init__(("large", "small"))
        self.factor = factor
        self.freeze()

    def iter_features(self, x: Tensor, _wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
        for layer, factor in zip(self.names, (self.factor, 2), strict=True):
            x = F.avg_pool2d(x, factor)
            yield layer, x


@STYLE_LOSSES.register("means")
class Means(StatisticLoss):
    """The mean of each channel."""

    def statistics(self, features: Tensor) -> tuple[Tensor, ...]:
        return (features.mean((2, 3)),)


@STYLE_LOSSES.register("projected")
class Projected(StyleLoss):
    """The mean along random directions, each weighed by a table."""

    table: Tensor

    def __init__(self, directions: int = 4) -> None:
        super().__init__()
        self.directions = directions
        self.register_buffer("table", torch.linspace(1, 2, directions))

    def target(self, features: Tensor) -> tuple[Tensor, ...]:
        return (features.mean((2, 3)),)

    def forward(
        self, features: Tensor, target: tuple[Tensor, ...], generator: torch.Generator
    ) -> Tensor:
        difference = features.float().mean((2, 3)) - target[0]
        directions = torch.randn(features.shape[1], self.directions, generator=generator)
        return (difference @ directions.to(features)).square() @ self.table


@SOURCES.register("noise")
class Noise(PhotoSource):
    """So many pictures of noise."""

    def __init__(self, count: int) -> None:
        self.count = count

    def prepare(self, request: DataSpec) -> None:
        (request.cache / "noise").mkdir(parents=True, exist_ok=True)

    def open(self, request: DataSpec) -> DataSplits:
        assert (request.cache / "noise").is_dir()

        def pictures(count: int, seed: int) -> NoisePhotos:
            generator = torch.Generator().manual_seed(seed)
            size = (count, 3, request.size, request.size)
            return NoisePhotos(torch.randint(256, size, dtype=torch.uint8, generator=generator))

        held_out = pictures(request.held_out, request.seed + 1)
        return DataSplits(pictures(self.count, request.seed), held_out)


class NoisePhotos:
    def __init__(self, pictures: Tensor) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def random_crop(self, index: int, _generator: np.random.Generator) -> Tensor:
        return self.pictures[index]

    def center_crop(self, index: int) -> Tensor:
        return self.pictures[index]


@BACKENDS.register("archive")
class Archive(ExportBackend):
    """torch's own archives, under another suffix."""

    title = "Archive"
    suffix = ".archive"

    def write(
        self, module: ExportModule, path: Path, metadata: Mapping[str, str], options: ExportOptions
    ) -> None:
        with path.open("wb") as file:
            texts = {"metadata": json.dumps(dict(metadata))}
            torch.export.save(trace(module, options), file, extra_files=texts)

    def load(self, path: Path) -> LoadedModel:
        files = {"metadata": ""}
        with path.open("rb") as file:
            traced = torch.export.load(file, extra_files=files)
        run: Callable[..., Tensor] = traced.module()
        return LoadedModel(run, traced.example_inputs[0][0].dtype, json.loads(files["metadata"]))
