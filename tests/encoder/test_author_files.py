"""Files of the same structure as the authors' own, made up of random weights."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder

MEAN = (103.939, 116.779, 123.68)  # blue, green, red
Convolutions = list[tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def layers() -> Convolutions:
    """VGG-11's, with biases, for BGR pixels up to 255."""
    features = VGGEncoder("vgg11", "random", seed=3).features
    found = []
    for number, conv in enumerate(m for m in features if isinstance(m, nn.Conv2d)):
        assert conv.bias is not None
        bias = np.linspace(-0.1, 0.1, len(conv.bias), dtype=np.float32)
        weight = conv.weight.numpy()
        found.append((weight / 58 if number == 0 else weight, bias))
    return found


def _expected(layers: Convolutions, images: Tensor) -> Tensor:
    """relu3_1 by torch's own functions, of BGR pixels less Caffe's mean."""
    x = 255 * images.flip(1) - torch.tensor(MEAN).view(1, 3, 1, 1)
    for number, (weight, bias) in enumerate(layers[:3]):
        x = F.relu(F.conv2d(x, torch.tensor(weight), torch.tensor(bias), padding=1))
        x = F.max_pool2d(x, 2) if number < 2 else x
    return x


def _matlab(layers: Convolutions, path: Path, older: bool = False) -> None:
    """Kernels are (height, width, in, out), of RGB; cells of structs, as MatConvNet has them."""
    cells = []
    for number, (weight, bias) in enumerate(layers):
        kernel = (weight[:, ::-1] if number == 0 else weight).transpose(2, 3, 1, 0)
        parts = np.empty((1, 2), object)
        parts[0, 0], parts[0, 1] = kernel, bias.reshape(-1, 1)
        own: dict[str, Any] = {"filters": kernel, "biases": bias.reshape(1, -1)}
        struct_ = {"type": "conv", "name": f"conv{number}", "pad": np.ones((1, 4))}
        cells += [struct_ | (own if older else {"weights": parts}), {"type": "relu", "name": "r"}]
    full = np.empty((1, 2), object)
    full[0, 0], full[0, 1] = np.zeros((7, 7, 5, 4), np.float32), np.zeros((4, 1), np.float32)
    cells.append({"type": "conv", "name": "fc6", "weights": full})
    array = np.empty((1, len(cells)), object)
    array[0, :] = cells
    scipy.io.savemat(path, {"layers": array, "meta": {"normalization": np.zeros(3)}})


def _older_matlab(layers: Convolutions, path: Path) -> None:
    _matlab(layers, path, older=True)


def _hdf5(layers: Convolutions, path: Path) -> None:
    """Pooling layers are groups without parameters; the last is fully connected."""
    with h5py.File(path, "w") as file:
        file.attrs["nb_layers"] = 2 * len(layers) + 1
        for number in range(2 * len(layers)):
            group = file.create_group(f"layer_{number}")
            params = () if number % 2 else layers[number // 2]
            group.attrs["nb_params"] = len(params)
            for index, values in enumerate(params):
                group[f"param_{index}"] = values
        group = file.create_group(f"layer_{2 * len(layers)}")
        group.attrs["nb_params"] = 2
        group["param_0"], group["param_1"] = np.zeros((8, 4)), np.zeros(4)


class _Lua:
    """What torch.save of Torch7 writes in its binary form."""

    def __init__(self) -> None:
        self.count = 0

    def text(self, value: str) -> bytes:
        return struct.pack("<i", len(value)) + value.encode()

    def table(self, entries: dict[Any, bytes]) -> bytes:
        self.count += 1
        start = struct.pack("<iii", 3, self.count, len(entries))
        return start + b"".join(self.key(key) + value for key, value in entries.items())

    def key(self, key: str | int) -> bytes:
        if isinstance(key, str):
            return struct.pack("<i", 2) + self.text(key)
        return struct.pack("<id", 1, key)

    def begin(self, name: str) -> bytes:
        self.count += 1
        return struct.pack("<ii", 4, self.count) + self.text("V 1") + self.text(name)

    def tensor(self, values: np.ndarray) -> bytes:
        strides = [stride // values.itemsize for stride in values.strides]
        sizes = struct.pack(f"<i{2 * values.ndim}q", values.ndim, *values.shape, *strides)
        start = self.begin("torch.FloatTensor") + sizes + struct.pack("<q", 1)
        storage = self.begin("torch.FloatStorage") + struct.pack("<q", values.size)
        return start + storage + np.ascontiguousarray(values, "<f4").tobytes()

    def number(self, value: float) -> bytes:
        return struct.pack("<id", 1, value)

    def convolution(self, weight: np.ndarray, bias: np.ndarray) -> bytes:
        start = self.begin("nn.SpatialConvolution")
        weight = np.ascontiguousarray(weight)
        side = {name: self.number(weight.shape[-1]) for name in ("kW", "kH")}
        tensors = {"weight": self.tensor(weight), "bias": self.tensor(bias)}
        training = {"train": struct.pack("<ii", 5, 0), "gradBias": struct.pack("<i", 0)}
        return start + self.table(side | tensors | training)

    def sequential(self, modules: list[bytes]) -> bytes:
        start = self.begin("nn.Sequential")
        inner = self.table(dict(enumerate(modules, 1)))
        return start + self.table({"modules": inner})


def _torch7(layers: Convolutions, path: Path) -> None:
    lua = _Lua()
    modules = []
    for weight, bias in layers:
        modules += [lua.convolution(weight, bias), lua.begin("nn.ReLU") + lua.table({})]
    path.write_bytes(lua.sequential(modules))


def _first_layer() -> tuple[np.ndarray, np.ndarray]:
    turned = 255 * np.eye(3, dtype=np.float32)[::-1].reshape(3, 3, 1, 1)
    return turned, -np.array(MEAN, np.float32)


def _normalized_torch7(layers: Convolutions, path: Path) -> None:
    _torch7([_first_layer(), *layers], path)


def _normalized(layers: Convolutions, path: Path) -> None:
    """Numbers are those of layers, among which are paddings, ReLUs and poolings."""
    state = {}
    for number, (weight, bias) in enumerate([_first_layer(), *layers]):
        state[f"{3 * number}.weight"] = torch.tensor(weight.copy())
        state[f"{3 * number}.bias"] = torch.tensor(bias)
    torch.save(dict(reversed(state.items())), path)


Write = Callable[[Convolutions, Path], None]
WRITERS: dict[str, tuple[Write, str]] = {
    "MatConvNet": (_matlab, "imagenet-vgg.mat"),
    "MatConvNet's older": (_older_matlab, "imagenet-vgg.mat"),
    "CNTK": (_hdf5, "vgg_weights.bin"),
    "Torch7": (_torch7, "vgg.t7"),
    "normalized": (_normalized, "vgg_normalised.pth"),
    "normalized, of Torch7": (_normalized_torch7, "vgg_normalised.t7"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_an_authors_file_gives_caffes_features(
    kind: str, layers: Convolutions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write, name = WRITERS[kind]
    write(layers, tmp_path / name)
    images = torch.rand(2, 3, 32, 32)
    found = VGGEncoder("vgg11", str(tmp_path / name))(images, ["relu3_1"])["relu3_1"]
    torch.testing.assert_close(found, _expected(layers, images), rtol=1e-4, atol=1e-4)
    assert not caplog.records


@pytest.mark.parametrize("kind", WRITERS)
def test_another_architecture_is_one_line(kind: str, layers: Convolutions, tmp_path: Path) -> None:
    write, name = WRITERS[kind]
    write(layers, tmp_path / name)
    with pytest.raises(UserError, match=r"for vgg16\): it holds 8 convolutions .* not 13"):
        VGGEncoder("vgg16", str(tmp_path / name))


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind != "normalized"])
def test_a_file_that_ends_early_is_one_line(
    kind: str, layers: Convolutions, tmp_path: Path
) -> None:
    write, name = WRITERS[kind]
    write(layers, tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    for length in (8, 200, len(whole) // 2):
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"is no VGG that \w+ wrote, or damaged"):
            VGGEncoder("vgg11", str(tmp_path / name))


@pytest.mark.parametrize(
    "change",
    [
        {"0.weight": torch.zeros(3, 3, 1, 1)},
        {"0.weight": torch.zeros(3, 3, 1, 1, device="meta")},
        {"3.weight": torch.zeros(2, 2)},
        {"other.weight": torch.zeros(2)},
    ],
    ids=["no pixels", "no numbers", "another shape", "another name"],
)
def test_odd_normalized_weights_are_one_line(
    change: dict[str, Tensor], layers: Convolutions, tmp_path: Path
) -> None:
    _normalized(layers, tmp_path / "a.pth")
    torch.save(torch.load(tmp_path / "a.pth") | change, tmp_path / "a.pth")
    with pytest.raises(UserError, match=r'a\.pth \(for vgg11\): "?.*features'):
        VGGEncoder("vgg11", str(tmp_path / "a.pth"))


def test_functions_in_a_file_of_torch7_are_refused(tmp_path: Path) -> None:
    lua = _Lua()
    function = struct.pack("<iii", 8, 77, 4) + b"code" + lua.table({})
    (tmp_path / "f.t7").write_bytes(lua.table({"modules": function}))
    with pytest.raises(UserError, match="no VGG that Torch7 wrote"):
        VGGEncoder("vgg11", str(tmp_path / "f.t7"))


def test_weights_in_another_file_are_not_followed(layers: Convolutions, tmp_path: Path) -> None:
    _hdf5(layers, tmp_path / "whole.bin")
    with h5py.File(tmp_path / "link.bin", "w") as file:
        file.attrs["nb_layers"] = 1
        file["layer_0"] = h5py.ExternalLink(str(tmp_path / "whole.bin"), "layer_0")
    with pytest.raises(UserError, match="no VGG that CNTK wrote"):
        VGGEncoder("vgg11", str(tmp_path / "link.bin"))


@pytest.mark.parametrize("magic", [b"MATLAB 7.3 MAT-file", b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_other_files_of_matlab_are_one_line(magic: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(magic)
    with pytest.raises(UserError, match="no VGG that MatConvNet wrote"):
        VGGEncoder("vgg11", str(tmp_path / "a.mat"))


def test_settings_go_before_what_is_known_and_are_said(
    layers: Convolutions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """CNTK shows its network RGB less Caffe's mean of BGR."""
    _hdf5(layers, tmp_path / "a.bin")
    images = torch.rand(1, 3, 32, 32)
    encoder = VGGEncoder("vgg11", str(tmp_path / "a.bin"), channels="rgb")
    expected = _expected(layers, images.flip(1))
    torch.testing.assert_close(
        encoder(images, ["relu3_1"])["relu3_1"], expected, rtol=1e-4, atol=1e-4
    )
    [record] = caplog.records
    assert "known to be for bgr pixels up to 255" in record.message
    assert "taken for rgb pixels" in record.message
