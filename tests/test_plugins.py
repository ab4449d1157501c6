"""Parts of somebody else's, each one class and its decorator, do what ours do."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig

from faststyle import Stylizer
from faststyle.config.compose import compose_config
from faststyle.config.mistakes import report_config_errors
from faststyle.core.errors import UserError
from faststyle.core.registry import Registry
from faststyle.data.source import SOURCES
from faststyle.encoder import LOSS_NETWORKS
from faststyle.export import BACKENDS, ExportOptions, is_exported_model
from faststyle.losses import STYLE_LOSSES
from faststyle.networks import NETWORKS
from faststyle.styles import TrainedStyle, load_style
from faststyle.styles.exporting import export
from faststyle.training.style.task import train

REGISTRIES: tuple[Registry[Any], ...] = (
    NETWORKS,
    LOSS_NETWORKS,
    STYLE_LOSSES,
    SOURCES,
    BACKENDS,
)


@pytest.fixture(autouse=True)
def _own_plugins() -> Iterator[None]:
    """The module that registers them is imported for one test."""
    module = importlib.import_module("tests.own_plugins")
    yield
    del sys.modules[module.__name__]
    for registry in REGISTRIES:
        for name in [each for each in registry if registry[each].__module__ == module.__name__]:
            del registry[name]


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


@pytest.fixture
def trained(configure: Callable[..., DictConfig]) -> Callable[..., TrainedStyle]:
    """Train three steps with some parts, at once and resumed after two, which is the same."""

    def run(*overrides: str, **parts: dict[str, Any]) -> TrainedStyle:
        written = train(configure("whole", *overrides, **parts))
        assert written is not None
        short = configure("short", "trainer.max_steps=2", *overrides, **parts)
        train(short)
        last = f"{short.output_dir}/checkpoints/last.ckpt"
        resumed = train(configure("short", f"resume={last}", *overrides, **parts))
        assert resumed is not None
        style = load_style(written)
        assert style.metadata.steps == 3
        expected = style.network.state_dict()
        for name, value in load_style(resumed).network.state_dict().items():
            assert torch.equal(value, expected[name])
        return style

    return run


NETWORK = {"network": {"_target_": "tests.own_plugins.Sharpener", "size": 5}}
ENCODER = {
    "encoder": {"_target_": "tests.own_plugins.Pyramid", "factor": 3},
    "loss": {
        "_target_": "faststyle.losses.PerceptualLoss",
        "content": {"small": 1.0},
        "style": {"large": 1.0, "small": 1.0},
    },
}


def _check_exported(
    style: TrainedStyle, path: Path, format: str, size: tuple[int, int] | None = None
) -> None:
    """Written by a backend and applied from the file, it makes the picture that the style makes."""
    if format == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    found = export(style, path, format, ExportOptions(sizes=size))
    assert found is not None
    assert found.largest <= 1
    eight_bit = torch.randint(256, (3, 32, 40), dtype=torch.uint8)
    exported = Stylizer.load(path, device="cpu")(eight_bit)
    directly = Stylizer(style, device="cpu")(eight_bit)
    assert (exported.int() - directly.int()).abs().max() <= 1


def test_a_network_of_ones_own_trains_and_resumes_and_stylizes_and_is_exported(
    trained: Callable[..., TrainedStyle], tmp_path: Path
) -> None:
    style = trained(**NETWORK)
    assert style.metadata.network == ("sharpener", {"size": 5})
    photo = torch.rand(3, 32, 40)
    written = tmp_path / "whole/out.safetensors"
    stylized = Stylizer.load(written, device="cpu")(photo)
    with torch.no_grad():
        plain = style.network(photo[None])[0].clamp(0, 1)
    torch.testing.assert_close(stylized, plain)

    _check_exported(style, tmp_path / "out.onnx", "onnx")


def test_a_loss_network_of_ones_own_trains_and_resumes_and_its_style_is_exported(
    trained: Callable[..., TrainedStyle], tmp_path: Path
) -> None:
    style = trained(**ENCODER)
    assert style.metadata.encoder == {"name": "pyramid", "weights": "random"}
    _check_exported(style, tmp_path / "out.onnx", "onnx", (32, 40))


def test_a_style_statistic_of_ones_own_trains(configure: Callable[..., DictConfig]) -> None:
    written = train(configure("run", "loss.statistic=means"))
    assert written is not None
    about = load_style(written).metadata
    assert (about.steps, about.loss["statistic"]) == (3, "means")


def test_a_style_loss_with_options_a_buffer_and_random_numbers_resumes_and_is_exported(
    trained: Callable[..., TrainedStyle], configure: Callable[..., DictConfig], tmp_path: Path
) -> None:
    term = "+loss.terms={projected: {weight: 1, layers: {relu2_1: 1}, directions: 3}}"
    style = trained(term)
    assert style.metadata.loss["terms"]["projected"]["directions"] == 3
    other = train(configure("other", term, "seed=1"))
    assert other is not None
    weights = style.network.state_dict()["head.weight"]
    assert not torch.equal(load_style(other).network.state_dict()["head.weight"], weights)
    _check_exported(style, tmp_path / "out.onnx", "onnx", (32, 40))


def test_a_source_of_photos_of_ones_own_is_trained_on_and_resumed_and_its_style_is_exported(
    trained: Callable[..., TrainedStyle], tmp_path: Path
) -> None:
    data = {"noise": 8, "size": 32, "workers": 0, "cache": str(tmp_path / "cache")}
    style = trained(data={"_target_": "faststyle.data.module.PhotoData", **data})
    _check_exported(style, tmp_path / "out.onnx", "onnx", (32, 40))


def test_a_backend_of_ones_own_exports_what_is_trained_and_its_files_are_applied(
    trained: Callable[..., TrainedStyle], tmp_path: Path
) -> None:
    path = tmp_path / "night.archive"
    assert is_exported_model(path)
    style = trained()
    _check_exported(style, path, "archive")
    metadata = Stylizer.load(path).metadata
    assert (metadata.style, metadata.steps) == (style.metadata.style, 3)
    with pytest.raises(UserError, match="--half: --format archive has no such form"):
        export(style, path, "archive", ExportOptions(half=True))


@pytest.mark.parametrize(
    ("registry", "name", "parts", "message"),
    [
        (NETWORKS, "sharpener", NETWORK, "network Sharpener is not registered"),
        (LOSS_NETWORKS, "pyramid", ENCODER, 'unknown encoder "Pyramid"'),
        (
            SOURCES,
            "noise",
            {"data": {"_target_": "faststyle.data.module.PhotoData", "noise": 8}},
            'no source of photos "noise"',
        ),
    ],
)
def test_what_is_not_registered_is_refused_before_the_first_step(
    configure: Callable[..., DictConfig],
    registry: Registry[Any],
    name: str,
    parts: dict[str, Any],
    message: str,
) -> None:
    del registry[name]
    cfg = configure("never", **parts)
    with pytest.raises(UserError, match=message) as error, report_config_errors("train"):
        train(cfg)
    assert "\n" not in str(error.value)
    assert not list(Path(cfg.output_dir).rglob("*.ckpt"))


def test_a_backend_that_is_not_registered_is_none(
    tmp_path: Path,
) -> None:
    del BACKENDS["archive"]
    assert not is_exported_model(tmp_path / "night.archive")
    with pytest.raises(UserError, match='unknown format "archive": choose one of: coreml, exec'):
        BACKENDS.build("archive")


@pytest.mark.parametrize(
    ("statistic", "message"),
    [
        ("means", 'unknown style loss "means"'),
        ({"_target_": "tests.own_plugins.Means"}, "Means is not reg"),
    ],
)
def test_a_statistic_that_is_not_registered_is_refused_before_the_first_step(
    configure: Callable[..., DictConfig], statistic: Any, message: str
) -> None:
    del STYLE_LOSSES["means"]
    cfg = configure("never")
    cfg.loss.statistic = statistic
    with pytest.raises(UserError, match=message) as error, report_config_errors("train"):
        train(cfg)
    assert "\n" not in str(error.value)
    assert not list(Path(cfg.output_dir).rglob("*.ckpt"))
