"""A network of somebody else's, from its line of registration to a stylized picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from faststyle import Stylizer
from faststyle.checkpoints import load_style
from faststyle.checkpoints.export import export
from faststyle.config.compose import compose_config
from faststyle.core.errors import UserError
from faststyle.networks import NETWORKS
from faststyle.training.style.task import train

CONFIGS = Path(__file__).resolve().parents[1] / "configs"


class Sharpener(nn.Module):
    """A photo and what a single convolution adds to it."""

    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self.options = {"size": size}
        self.conv = nn.Conv2d(3, 3, size, padding=size // 2, padding_mode="reflect")

    def forward(self, images: Tensor) -> Tensor:
        sharpened: Tensor = images + self.conv(images)
        return sharpened


@pytest.fixture
def configure(tmp_path: Path, photo_folder: Path) -> Callable[..., DictConfig]:
    def make(run: str, *overrides: str, **network: Any) -> DictConfig:
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
        cfg = compose_config(CONFIGS, "train", [*given, *overrides])
        cfg.network = {"_target_": f"{__name__}.Sharpener"} | network
        return cfg

    return make


def test_a_network_of_ones_own_does_all_that_ours_do(
    configure: Callable[..., DictConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETWORKS, "sharpener", Sharpener)

    written = train(configure("whole", size=5))
    assert written is not None
    short = configure("short", "trainer.max_steps=2", size=5)
    train(short)
    last = f"{short.output_dir}/checkpoints/last.ckpt"
    resumed = train(configure("short", f"resume={last}", size=5))
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
    assert export(load_style(written), tmp_path / "out.onnx") <= 1
    eight_bit = (photo * 255).round().to(torch.uint8)
    through_onnx = Stylizer.load(tmp_path / "out.onnx", device="cpu")(eight_bit)
    directly = Stylizer.load(written, device="cpu")(eight_bit)
    assert (through_onnx.int() - directly.int()).abs().max() <= 1


def test_a_network_that_is_not_registered_is_refused_before_the_first_step(
    configure: Callable[..., DictConfig],
) -> None:
    cfg = configure("never")
    with pytest.raises(UserError, match="Sharpener is not registered") as error:
        train(cfg)
    assert "\n" not in str(error.value)
    assert not list(Path(cfg.output_dir).rglob("*.ckpt"))
