"""Files of other projects, against their own networks."""

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.checkpoints import load_style
from faststyle.core.errors import UserError


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
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (_Conv(channels, channels, 3) for _ in range(2))
        self.in1, self.in2 = (nn.InstanceNorm2d(channels, affine=True) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.in2(self.conv2(F.relu(self.in1(self.conv1(x)))))
        return result


class _Published(nn.Module):
    """The network of pytorch/examples' fast_neural_style, for pixels in [0, 255]."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        a, b, c = width, 2 * width, 4 * width
        self.conv1, self.conv2, self.conv3 = _Conv(3, a, 9), _Conv(a, b, 3, 2), _Conv(b, c, 3, 2)
        self.res1, self.res2, self.res3, self.res4, self.res5 = (_Residual(c) for _ in range(5))
        self.deconv1, self.deconv2 = _Conv(c, b, 3, up=2), _Conv(b, a, 3, up=2)
        self.deconv3 = _Conv(a, 3, 9)
        self.in1, self.in2, self.in3, self.in4, self.in5 = (
            nn.InstanceNorm2d(channels, affine=True) for channels in (a, b, c, b, a)
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


def _published(width: int = 32) -> _Published:
    torch.manual_seed(0)
    published = _Published(width)
    nn.init.normal_(published.deconv3.conv2d.weight, std=2.0)
    return published


def _check(path: Path, published: _Published, blue_first: bool = False) -> None:
    photo = torch.rand(1, 3, 40, 32)
    with torch.no_grad():
        found = load_style(path).network(photo) * 255
        expected = published(photo.flip(1) * 255).flip(1) if blue_first else published(photo * 255)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=0.05)


@pytest.mark.parametrize("legacy", [False, True])
def test_files_of_pytorch_examples_give_their_own_pictures(tmp_path: Path, legacy: bool) -> None:
    published = _published()
    state = published.state_dict()
    state["in1.running_mean"] = torch.zeros(32)  # as files of before PyTorch 0.4.1 have
    path = tmp_path / "mosaic.model"
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    _check(path, published)
    assert load_style(path).name == "mosaic"


@pytest.mark.parametrize("width", [8, 16])
def test_narrower_ones_do_too(tmp_path: Path, width: int) -> None:
    published = _published(width)
    torch.save(published.state_dict(), tmp_path / "a.pth")
    _check(tmp_path / "a.pth", published)


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_what_is_saved_around_the_weights_does_not_count(
    tmp_path: Path, wrapper: str | None
) -> None:
    published = _published(8)
    state = {f"module.{key}": value for key, value in published.state_dict().items()}
    content = {wrapper: state, "epoch": 2} if wrapper else state
    torch.save(content, tmp_path / "a.pth")
    _check(tmp_path / "a.pth", published)


def test_abhiskks_files_take_and_give_blue_first(tmp_path: Path) -> None:
    published = _published(8)
    state = {
        re.sub(r"(in\d)\.(weight|bias)", _older_name, key): value
        for key, value in published.state_dict().items()
    }
    torch.save(state, tmp_path / "a.model")
    assert "in1.scale" in state
    _check(tmp_path / "a.model", published, blue_first=True)


def _older_name(match: re.Match[str]) -> str:
    return f"{match[1]}.{'scale' if match[2] == 'weight' else 'shift'}"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("up3.conv2d.weight", "gordicaleksa"),
        ("ConvBlock.0.conv_layer.weight", "rrmina"),
        ("model1.0.weight", "MSG-Net"),
        ("features.0.weight", "a VGG: pass it as encoder.weights="),
        ("something.weight", "no style that is known here"),
    ],
)
def test_files_of_others_are_named_for_what_they_are(tmp_path: Path, key: str, name: str) -> None:
    torch.save({"state_dict": {key: torch.zeros(3)}}, tmp_path / "a.pth")
    with pytest.raises(UserError, match=name):
        load_style(tmp_path / "a.pth")


@pytest.mark.parametrize("lost", ["conv1.conv2d.weight", "deconv3.conv2d.bias", "in4.weight"])
def test_a_file_that_lacks_a_layer_is_refused(tmp_path: Path, lost: str) -> None:
    state = _published(8).state_dict()
    del state[lost]
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(UserError, match=r"a\.pth"):
        load_style(tmp_path / "a.pth")
