import pickle
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.checkpoints import StyleMetadata, TrainedStyle, load_style, write_style
from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork, describe_network


class _Conv(nn.Module):
    """pytorch/examples' convolution: reflection, then an unpadded convolution."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, up: int = 1
    ) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, stride)
        self.pad, self.up = kernel // 2, up

    def forward(self, x: Tensor) -> Tensor:
        if self.up > 1:
            x = F.interpolate(x, scale_factor=self.up, mode="nearest")
        result: Tensor = self.conv2d(F.pad(x, (self.pad,) * 4, mode="reflect"))
        return result


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = _Conv(128, 128, 3), _Conv(128, 128, 3)
        self.in1, self.in2 = (nn.InstanceNorm2d(128, affine=True) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.in2(self.conv2(F.relu(self.in1(self.conv1(x)))))
        return result


class _Published(nn.Module):
    """The network of pytorch/examples' fast_neural_style, for pixels in [0, 255]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = _Conv(3, 32, 9), _Conv(32, 64, 3, 2)
        self.conv3 = _Conv(64, 128, 3, 2)
        self.res1, self.res2, self.res3, self.res4, self.res5 = (_Residual() for _ in range(5))
        self.deconv1, self.deconv2 = _Conv(128, 64, 3, up=2), _Conv(64, 32, 3, up=2)
        self.deconv3 = _Conv(32, 3, 9)
        self.in1, self.in2, self.in3, self.in4, self.in5 = (
            nn.InstanceNorm2d(c, affine=True) for c in (32, 64, 128, 64, 32)
        )

    def forward(self, x: Tensor) -> Tensor:
        for conv, norm in (("conv1", "in1"), ("conv2", "in2"), ("conv3", "in3")):
            x = F.relu(self.get_submodule(norm)(self.get_submodule(conv)(x)))
        for i in range(1, 6):
            x = self.get_submodule(f"res{i}")(x)
        for conv, norm in (("deconv1", "in4"), ("deconv2", "in5")):
            x = F.relu(self.get_submodule(norm)(self.get_submodule(conv)(x)))
        result: Tensor = self.deconv3(x)
        return result


@pytest.mark.parametrize("legacy", [False, True])
def test_files_of_pytorch_examples_give_their_own_pictures(tmp_path: Path, legacy: bool) -> None:
    torch.manual_seed(0)
    published = _Published()
    nn.init.normal_(published.deconv3.conv2d.weight, std=2.0)
    state = published.state_dict()
    state["in1.running_mean"] = torch.zeros(32)  # as files of before PyTorch 0.4.1 have
    path = tmp_path / "mosaic.model"
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    style = load_style(path)
    photo = torch.rand(1, 3, 40, 32)
    with torch.no_grad():
        torch.testing.assert_close(
            style.network(photo) * 255, published(photo * 255), rtol=1e-3, atol=0.05
        )
    assert style.name == "mosaic"


def _lightning(path: Path, **changes: object) -> Path:
    network = TransformNetwork(width=4, blocks=1)
    content: dict[str, object] = {
        "state_dict": {f"network.{k}": v for k, v in network.state_dict().items()},
        "faststyle": {"style": "night", "network": '{"width": 4, "blocks": 1}'},
        "global_step": 12,
    }
    torch.save(content | changes, path)
    return path


def test_a_checkpoint_of_training_is_a_style_too(tmp_path: Path) -> None:
    style = load_style(_lightning(tmp_path / "last.ckpt"))
    assert style.name == "night"
    assert style.metadata.steps == 12
    assert describe_network(style.network).options["width"] == 4


def test_our_own_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_style(
        TrainedStyle(TransformNetwork(width=2, blocks=0), StyleMetadata(style="night")), path
    )
    assert load_style(path).name == "night"


class _Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("ran"),)


def test_code_in_a_file_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("evil.pth").write_bytes(pickle.dumps(_Malicious()))
    torch.save({"state_dict": {}, "faststyle": _Malicious()}, "evil.ckpt")
    for name in ("evil.pth", "evil.ckpt"):
        with pytest.raises(UserError, match="refused"):
            load_style(Path(name))
    assert not Path("ran").exists()


def test_files_that_are_no_styles_are_named(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    torch.save([1], tmp_path / "list.pth")
    whole = _lightning(tmp_path / "whole.ckpt").read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.ckpt").write_text("hello")
    (tmp_path / "empty.ckpt").write_bytes(b"")
    _lightning(tmp_path / "nothing.ckpt", faststyle={"style": "x"})
    _lightning(tmp_path / "json.ckpt", faststyle={"network": "{"})
    _lightning(tmp_path / "weights.ckpt", state_dict={})
    for name in ("other.pth", "list.pth", "cut.ckpt", "text.ckpt", "empty.ckpt", "nothing.ckpt",
                 "json.ckpt", "weights.ckpt"):  # fmt: skip
        with pytest.raises(UserError, match=name.replace(".", r"\.")):
            load_style(tmp_path / name)


def test_a_misspelt_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    _lightning(tmp_path / "starry_night.ckpt")
    with pytest.raises(UserError, match=r'did you mean "starry_night\.ckpt"'):
        load_style(tmp_path / "stary_night.ckpt")
