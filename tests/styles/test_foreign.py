"""Files of other projects, against their own networks."""

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.styles import load_style
from faststyle.styles.loading import resolve_styles


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


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model", "net_G"])
def test_what_is_saved_around_the_weights_does_not_count(
    tmp_path: Path, wrapper: str | None
) -> None:
    published = _published(8)
    state = {f"module.{key}": value for key, value in published.state_dict().items()}
    content = {wrapper: state, "epoch": 2} if wrapper else state
    torch.save(content, tmp_path / "a.pth")
    _check(tmp_path / "a.pth", published)


@pytest.mark.parametrize("wrapper", ["", "module.", "model.", "state_dict.module."])
@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_safetensors_of_others_are_converted_likewise(
    tmp_path: Path, wrapper: str, metadata: dict[str, str] | None
) -> None:
    published = _published(8)
    state = {f"{wrapper}{key}": value for key, value in published.state_dict().items()}
    save_file(state, tmp_path / "mosaic.safetensors", metadata)
    _check(tmp_path / "mosaic.safetensors", published)
    assert load_style(tmp_path / "mosaic.safetensors").name == "mosaic"
    assert resolve_styles([str(tmp_path / "mosaic.safetensors")])


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


def test_gordicaleksas_files_are_made_for_normalized_pixels(tmp_path: Path) -> None:
    published = _published(8)
    nn.init.normal_(published.deconv3.conv2d.weight, std=0.05)
    state = {
        re.sub(r"deconv(\d)\.conv2d", _gordicaleksas_name, key): value
        for key, value in published.state_dict().items()
    }
    torch.save({"state_dict": state, "optimizer_state": {}, "tv_weight": 0}, tmp_path / "a.pth")
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    photo = torch.rand(1, 3, 40, 32)
    with torch.no_grad():
        expected = published((photo - mean) / std) * std + mean
        found = load_style(tmp_path / "a.pth").network(photo)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def _gordicaleksas_name(match: re.Match[str]) -> str:
    """Those that enlarge wrap another layer."""
    return "up3.conv2d" if match[1] == "3" else f"up{match[1]}.conv2d.conv2d"


class _Layer(nn.Module):
    """rrmina's layers: a convolution, or a transposed one, with its norm."""

    def __init__(self, conv: nn.Module, channels: int, pad: int) -> None:
        super().__init__()
        self.add_module("conv_layer" if pad else "conv_transpose", conv)
        self.conv, self.pad = [conv], pad
        if channels != 3:
            self.norm_layer = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv[0](F.pad(x, (self.pad,) * 4, mode="reflect"))
        return self.norm_layer(y) if hasattr(self, "norm_layer") else y


class _RrminasBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (
            _Layer(nn.Conv2d(channels, channels, 3), channels, 1) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv2(F.relu(self.conv1(x))) + x
        return result


def _rrminas(width: int = 8, head: float = 2.0) -> nn.Sequential:
    """rrmina's network, for pixels in [0, 255], blue first."""
    torch.manual_seed(0)

    def down(inputs: int, outputs: int, kernel: int, stride: int) -> _Layer:
        return _Layer(nn.Conv2d(inputs, outputs, kernel, stride), outputs, kernel // 2)

    def up(inputs: int, outputs: int) -> _Layer:
        return _Layer(nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, 1), outputs, 0)

    a, b, c = width, 2 * width, 4 * width
    network = nn.Sequential()
    network.ConvBlock = nn.Sequential(
        *(down(3, a, 9, 1), nn.ReLU(), down(a, b, 3, 2), nn.ReLU(), down(b, c, 3, 2), nn.ReLU())
    )
    network.ResidualBlock = nn.Sequential(*(_RrminasBlock(c) for _ in range(5)))
    network.DeconvBlock = nn.Sequential(
        *(up(c, b), nn.ReLU(), up(b, a), nn.ReLU(), down(a, 3, 9, 1))
    )
    nn.init.normal_(network.get_parameter("DeconvBlock.4.conv_layer.weight"), std=head)
    return network


def test_rrminas_files_enlarge_by_transposed_convolutions(tmp_path: Path) -> None:
    network = _rrminas()
    torch.save(network.state_dict(), tmp_path / "a.pth")
    photo = torch.rand(1, 3, 40, 32)
    with torch.no_grad():
        expected = network(photo.flip(1) * 255).flip(1)
        found = load_style(tmp_path / "a.pth").network(photo) * 255
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=0.05)


def test_of_rrminas_safetensors_it_is_said_which_network_they_are_taken_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = _rrminas()
    save_file(network.state_dict(), tmp_path / "a.safetensors")
    photo = torch.rand(1, 3, 40, 32)
    with torch.no_grad():
        expected = network(photo.flip(1) * 255).flip(1)
        found = load_style(tmp_path / "a.safetensors").network(photo) * 255
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=0.05)
    assert "taken for rrmina's first network" in caplog.text


def test_rrminas_other_networks_are_named_though_their_weights_look_alike(tmp_path: Path) -> None:
    torch.save(_rrminas(head=0.02).state_dict(), tmp_path / "tanh.pth")
    with pytest.raises(UserError, match="with a tanh"):
        load_style(tmp_path / "tanh.pth")
    normal = _rrminas().state_dict()
    first = [key for key in normal if "norm_layer" in key]
    before = {key: normal[key] for key in [*first, *normal]}
    torch.save(before, tmp_path / "v2.pth")
    with pytest.raises(UserError, match="network V2"):
        load_style(tmp_path / "v2.pth")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("DenseBlock.0.conv_layer.weight", "rrmina's dense networks"),
        ("model1.0.weight", "MSG-Net"),
        ("features.0.weight", "a VGG: pass it as encoder.weights="),
        ("something.weight", "no style that is known here"),
    ],
)
def test_files_of_others_are_named_for_what_they_are(tmp_path: Path, key: str, name: str) -> None:
    torch.save({"state_dict": {key: torch.zeros(3)}}, tmp_path / "a.pth")
    with pytest.raises(UserError, match=name):
        load_style(tmp_path / "a.pth")


def test_a_network_that_was_part_of_a_larger_one_is_found(tmp_path: Path) -> None:
    published = _published(8)
    state = {f"transformer.{key}": value for key, value in published.state_dict().items()}
    content = {"step": torch.zeros(1), "trained": state | {"vgg.0.weight": torch.zeros(3)}}
    torch.save(content, tmp_path / "a.pth")
    _check(tmp_path / "a.pth", published)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (torch.zeros(5, 3, 9, 9), "has shape"),
        (torch.zeros(8, 3, 9), "lacks the first layer"),
        (torch.zeros(8, 3, 9, 9).to_sparse(), "no plain tensor"),
        (torch.zeros(8, 3, 9, 9, device="meta"), "no plain tensor"),
        (torch.zeros(8, 3, 9, 9, dtype=torch.complex64), "no plain tensor"),
        (torch.zeros(1, dtype=torch.half).expand(8, 3, 9, 9), "no plain tensor"),
        (torch.zeros(1, dtype=torch.half).expand(8, 3, 10**6, 10**6), "no plain tensor"),
        (torch.zeros(8, 3, 9, 9, dtype=torch.int32), "no plain tensor"),
        (torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]), "lacks the first layer"),
    ],
)
def test_a_first_layer_that_cannot_be_is_refused(tmp_path: Path, odd: Tensor, said: str) -> None:
    torch.save(_published(8).state_dict() | {"conv1.conv2d.weight": odd}, tmp_path / "a.pth")
    with pytest.raises(UserError, match=rf"a\.pth.*{said}"):
        load_style(tmp_path / "a.pth")


def test_a_mapping_that_holds_itself_is_read_once(tmp_path: Path) -> None:
    published = _published(8)
    content: dict[str, object] = {"weights": published.state_dict()}
    for _ in range(60):  # each twice in the next: 2 ** 60 ways lead to the first
        content = {"a": content, "b": content}
    content["self"] = content
    torch.save(content, tmp_path / "a.pth")
    _check(tmp_path / "a.pth", published)


def test_a_nested_weight_is_refused(tmp_path: Path) -> None:
    odd = torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])
    torch.save(_published(8).state_dict() | {"in4.weight": odd}, tmp_path / "a.pth")
    with pytest.raises(UserError, match="no plain tensor"):
        load_style(tmp_path / "a.pth")


@pytest.mark.parametrize("is_flat", [False, True])
def test_of_several_networks_the_first_is_taken_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, is_flat: bool
) -> None:
    published = _published(8)
    states = {"a": published.state_dict(), "b": _Published(8).state_dict()}
    flat = {f"{name}.{key}": value for name, each in states.items() for key, value in each.items()}
    torch.save(flat if is_flat else states, tmp_path / "a.pth")
    _check(tmp_path / "a.pth", published)
    assert "holds 2 networks: the first is taken" in caplog.text


def test_tensors_beside_the_weights_are_not_even_looked_at(tmp_path: Path) -> None:
    published = _published(8)
    odd = {
        "sparse": torch.zeros(3).to_sparse(),
        "meta": torch.zeros(3, device="meta"),
        "large": torch.zeros(1, dtype=torch.half).expand(10**6, 10**6),
    }
    torch.save({"weights": published.state_dict(), "more": odd}, tmp_path / "a.pth")
    _check(tmp_path / "a.pth", published)


@pytest.mark.parametrize("lost", ["conv1.conv2d.weight", "deconv3.conv2d.bias", "in4.weight"])
def test_a_file_that_lacks_a_layer_is_refused(tmp_path: Path, lost: str) -> None:
    state = _published(8).state_dict()
    del state[lost]
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(UserError, match=r"a\.pth"):
        load_style(tmp_path / "a.pth")
