"""Parts of somebody else's, each from its line of registration to what ours do too."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from omegaconf import DictConfig
from torch import Tensor, nn

from faststyle import Stylizer
from faststyle.config.compose import compose_config
from faststyle.config.mistakes import report_config_errors
from faststyle.core.errors import UserError
from faststyle.data.registry import SOURCES
from faststyle.data.source import DataSpec, DataSplits, PhotoSource
from faststyle.encoder import LOSS_NETWORKS, LossNetwork
from faststyle.export.exporting import export
from faststyle.losses import STYLE_LOSSES, StatisticLoss, StyleLoss
from faststyle.networks import NETWORKS
from faststyle.styles import load_style
from faststyle.training.style.task import train


class Sharpener(nn.Module):
    """A photo and what a single convolution adds to it."""

    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self.options = {"size": size}
        self.conv = nn.Conv2d(3, 3, size, padding=size // 2, padding_mode="reflect")

    def forward(self, images: Tensor) -> Tensor:
        sharpened: Tensor = images + self.conv(images)
        return sharpened


class Pyramid(LossNetwork):
    """A photo at a half and at a quarter of its size."""

    def __init__(self) -> None:
        super().__init__("pyramid", ("half", "quarter"))
        self.freeze()

    def iter_features(self, x: Tensor, _wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
        for layer in self.names:
            x = F.avg_pool2d(x, 2)
            yield layer, x


class Means(StatisticLoss):
    """The mean of each channel."""

    def statistics(self, features: Tensor) -> tuple[Tensor, ...]:
        return (features.mean((2, 3)),)


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


class Noise(PhotoSource):
    """So many pictures of noise."""

    def __init__(self, count: int) -> None:
        self.count = count

    def prepare(self, request: DataSpec) -> None:
        (request.cache / "noise").mkdir(parents=True)

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


def here(part: type) -> str:
    return f"{__name__}.{part.__name__}"


@pytest.fixture
def configure(tmp_path: Path, photo_folder: Path) -> Callable[..., DictConfig]:
    def make(run: str, *overrides: str, **parts: dict[str, Any]) -> DictConfig:
        folder = tmp_path / run
        given = [
            "experiment=smoke",
            "data=coco",
            "schedule=constant",
            "trainer.max_steps=3",
            "+trainer.enable_progress_bar=false",
            f"data.root={photo_folder}",
            f"output_dir={folder}",
            f"export.path={folder}/out.safetensors",
        ]
        cfg = compose_config("train", [*given, *overrides])
        for name, part in parts.items():
            cfg[name] = part
        return cfg

    return make


def test_a_network_of_ones_own_does_all_that_ours_do(
    configure: Callable[..., DictConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETWORKS, "sharpener", Sharpener)

    network = {"_target_": here(Sharpener), "size": 5}
    written = train(configure("whole", network=network))
    assert written is not None
    short = configure("short", "trainer.max_steps=2", network=network)
    train(short)
    last = f"{short.output_dir}/checkpoints/last.ckpt"
    resumed = train(configure("short", f"resume={last}", network=network))
    assert resumed is not None
    expected = load_style(written).network.state_dict()
    for name, value in load_style(resumed).network.state_dict().items():
        assert torch.equal(value, expected[name])

    photo = torch.rand(3, 32, 40)  # sides that ONNX needs no border for
    stylized = Stylizer.load(written, device="cpu")(photo)
    with torch.no_grad():
        plain = load_style(written).network(photo[None])[0].clamp(0, 1)
    torch.testing.assert_close(stylized, plain)

    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    found = export(load_style(written), tmp_path / "out.onnx")
    assert found is not None
    assert found.largest <= 1
    eight_bit = (photo * 255).round().to(torch.uint8)
    through_onnx = Stylizer.load(tmp_path / "out.onnx", device="cpu")(eight_bit)
    directly = Stylizer.load(written, device="cpu")(eight_bit)
    assert (through_onnx.int() - directly.int()).abs().max() <= 1


PYRAMID = {
    "encoder": {"_target_": here(Pyramid)},
    "loss": {
        "_target_": "faststyle.losses.PerceptualLoss",
        "content": {"quarter": 1.0},
        "style": {"half": 1.0, "quarter": 1.0},
    },
}


def test_a_loss_network_of_ones_own_trains(
    configure: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOSS_NETWORKS, "pyramid", Pyramid)
    written = train(configure("run", **PYRAMID))
    assert written is not None
    about = load_style(written).metadata
    assert (about.steps, about.encoder) == (3, {"name": "pyramid", "weights": "random"})


@pytest.fixture
def style_losses() -> Iterator[None]:
    STYLE_LOSSES.register("means")(Means)
    STYLE_LOSSES.register("projected")(Projected)
    yield
    STYLE_LOSSES.unregister("means")
    STYLE_LOSSES.unregister("projected")


@pytest.mark.usefixtures("style_losses")
def test_a_style_statistic_of_ones_own_trains(configure: Callable[..., DictConfig]) -> None:
    written = train(configure("run", "loss.statistic=means"))
    assert written is not None
    about = load_style(written).metadata
    assert (about.steps, about.loss["statistic"]) == (3, "means")


@pytest.mark.usefixtures("style_losses")
def test_a_style_loss_with_options_a_buffer_and_random_numbers_resumes_to_the_bit(
    configure: Callable[..., DictConfig], tmp_path: Path
) -> None:
    term = "+loss.terms={projected: {weight: 1, layers: {relu2_1: 1}, directions: 3}}"
    written = train(configure("whole", term))
    assert written is not None
    short = configure("short", term, "trainer.max_steps=2")
    train(short)
    last = f"{short.output_dir}/checkpoints/last.ckpt"
    resumed = train(configure("short", term, f"resume={last}"))
    other = train(configure("other", term, "seed=1"))
    assert resumed is not None
    assert other is not None
    states = [load_style(path).network.state_dict() for path in (written, resumed, other)]
    for name, value in states[0].items():
        assert torch.equal(states[1][name], value)
    assert load_style(written).metadata.loss["terms"]["projected"]["directions"] == 3

    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    found = export(load_style(written), tmp_path / "out.onnx")
    assert found is not None
    assert found.largest <= 1


def test_a_source_of_photos_of_ones_own_is_trained_on(
    configure: Callable[..., DictConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "noise", Noise)
    data = {"noise": 8, "size": 32, "workers": 0, "cache": str(tmp_path / "cache")}
    target = {"_target_": "faststyle.data.module.PhotoData"}
    written = train(configure("run", data={**target, **data}))
    assert written is not None
    assert load_style(written).metadata.steps == 3


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"network": {"_target_": here(Sharpener)}}, "network Sharpener is not registered"),
        (PYRAMID, 'unknown encoder "pyramid"'),
        (
            {"data": {"_target_": "faststyle.data.module.PhotoData", "noise": 8}},
            'no source of photos "noise"',
        ),
    ],
)
def test_what_is_not_registered_is_refused_before_the_first_step(
    configure: Callable[..., DictConfig], parts: dict[str, Any], message: str
) -> None:
    cfg = configure("never", **parts)
    with pytest.raises(UserError, match=message) as error, report_config_errors("train"):
        train(cfg)
    assert "\n" not in str(error.value)
    assert not list(Path(cfg.output_dir).rglob("*.ckpt"))


@pytest.mark.parametrize(
    ("statistic", "message"),
    [("means", 'unknown style loss "means"'), ({"_target_": here(Means)}, "Means is not reg")],
)
def test_a_statistic_that_is_not_registered_is_refused_before_the_first_step(
    configure: Callable[..., DictConfig], statistic: Any, message: str
) -> None:
    cfg = configure("never")
    cfg.loss.statistic = statistic
    with pytest.raises(UserError, match=message) as error, report_config_errors("train"):
        train(cfg)
    assert "\n" not in str(error.value)
    assert not list(Path(cfg.output_dir).rglob("*.ckpt"))
