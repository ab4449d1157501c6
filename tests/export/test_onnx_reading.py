from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.export.exported_network import (
    BYTES,
    IMAGENET,
    SIGNED,
    UNIT,
    ExportedNetwork,
    Pixels,
)
from faststyle.styles import load_style, read_exported_style

Model = onnx.ModelProto


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = {"down": (4, 3, 3, 3), "up": (3, 4, 3, 3), "scale": (4,), "bias": (4,)}
    drawn = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    return drawn | {"up": 40 * drawn["up"]}  # pixels of hundreds, as published ones make


@pytest.fixture
def zoo(weights: dict[str, Tensor]) -> Model:
    """Made of the operators, and with the fixed size, of the ONNX model zoo's mosaic-9.onnx."""
    zero = [0, 0, 1, 1, 0, 0, 1, 1]
    nodes = [
        helper.make_node("Pad", ["input1"], ["p"], mode="reflect", pads=zero),
        helper.make_node("Conv", ["p", "down"], ["d"], kernel_shape=[3, 3], strides=[2, 2]),
        helper.make_node("InstanceNormalization", ["d", "scale", "bias"], ["n"], epsilon=1e-5),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Upsample", ["r", "twice"], ["u"], mode="nearest"),
        helper.make_node("Pad", ["u"], ["q"], mode="reflect", pads=zero),
        helper.make_node("Conv", ["q", "up"], ["output1"], kernel_shape=[3, 3]),
    ]
    arrays = {name: value.numpy() for name, value in weights.items()}
    arrays["twice"] = np.array([1, 1, 2, 2], dtype=np.float32)
    size = [1, 3, 224, 224]
    graph = helper.make_graph(
        nodes,
        "mosaic",
        [helper.make_tensor_value_info("input1", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info("output1", TensorProto.FLOAT, size)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4)


def expected(weights: dict[str, Tensor], photos: Tensor) -> Tensor:
    x = F.pad(photos * 255, (1, 1, 1, 1), mode="reflect")
    x = F.conv2d(x, weights["down"], stride=2)
    x = F.instance_norm(x, weight=weights["scale"], bias=weights["bias"]).relu()
    x = F.pad(F.interpolate(x, scale_factor=2), (1, 1, 1, 1), mode="reflect")
    return F.conv2d(x, weights["up"]) / 255


@pytest.mark.parametrize("shape", [(1, 3, 64, 96), (3, 3, 40, 32)])
def test_a_program_like_the_model_zoos_runs_at_any_size(
    zoo: Model, weights: dict[str, Tensor], tmp_path: Path, shape: tuple[int, ...]
) -> None:
    onnx.save(zoo, tmp_path / "mosaic.onnx")
    photos = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    style = read_exported_style(tmp_path / "mosaic.onnx")
    torch.testing.assert_close(style.network(photos), expected(weights, photos))
    assert style.name == "mosaic"


@pytest.mark.parametrize(
    ("pixels", "scale", "shift"),
    [(BYTES, 127.0, 127.0), (UNIT, 0.5, 0.5), (SIGNED, 1.0, 0.0), (IMAGENET, 2.0, 0.2)],
    ids=["bytes", "unit", "signed", "imagenet"],
)
def test_the_range_of_pixels_is_found_where_a_file_does_not_say(
    zoo: Model, tmp_path: Path, pixels: Pixels, scale: float, shift: float
) -> None:
    """By a program that norms whatever comes, as style networks do, and gives such a range."""
    nodes = [
        helper.make_node("ReduceMean", ["input1"], ["m"], axes=[1, 2, 3]),
        helper.make_node("Sub", ["input1", "m"], ["centered"]),
        helper.make_node("Abs", ["centered"], ["size"]),
        helper.make_node("ReduceMax", ["size"], ["largest"], axes=[1, 2, 3]),
        helper.make_node("Div", ["centered", "largest"], ["normed"]),
        helper.make_node("Mul", ["normed", "wide"], ["scaled"]),
        helper.make_node("Add", ["scaled", "up"], ["output1"]),
    ]
    del zoo.graph.node[:], zoo.graph.initializer[:]
    zoo.graph.node.extend(nodes)
    for name, value in (("wide", scale), ("up", shift)):
        zoo.graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    onnx.save(zoo, tmp_path / "a.onnx")
    network = read_exported_style(tmp_path / "a.onnx").network
    assert isinstance(network, ExportedNetwork)
    assert network.pixels == pixels
    photos = torch.linspace(0, 1, 48 * 88).view(1, 1, 48, 88).expand(1, 3, 48, 88)
    given = network.compute(pixels.encode(photos))
    torch.testing.assert_close(network(photos), pixels.decode(given))


def _says_so(model: Model) -> None:
    helper.set_model_props(model, {"Image.BitmapPixelFormat": "Bgr8"})


def _is_called_so(model: Model) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "input_BGR"


@pytest.mark.parametrize("change", [_says_so, _is_called_so])
def test_a_program_that_says_so_gets_blue_first(
    zoo: Model,
    weights: dict[str, Tensor],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Model], None],
) -> None:
    change(zoo)
    onnx.save(zoo, tmp_path / "a.onnx")
    photos = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    found = read_exported_style(tmp_path / "a.onnx").network(photos)
    torch.testing.assert_close(found, expected(weights, photos.flip(1)).flip(1))
    assert "blue, green and red" in caplog.text


def test_sizes_that_others_programs_cannot_keep_are_kept(zoo: Model, tmp_path: Path) -> None:
    onnx.save(zoo, tmp_path / "mosaic.onnx")
    network = read_exported_style(tmp_path / "mosaic.onnx").network
    for size in ((33, 47), (1, 5)):
        assert network(torch.rand(1, 3, *size)).shape == (1, 3, *size)


def _classifier(model: Model) -> None:
    model.graph.node.append(helper.make_node("GlobalAveragePool", ["output1"], ["scores"]))
    model.graph.output[0].name = "scores"


def _other_size_only(model: Model) -> None:
    model.graph.initializer.append(
        numpy_helper.from_array(np.array([1, 3, 224, 224], dtype=np.int64), "size")
    )
    model.graph.node.append(helper.make_node("Reshape", ["output1", "size"], ["fixed"]))
    model.graph.output[0].name = "fixed"


def _weights_elsewhere(model: Model) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def _two_inputs(model: Model) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    model.graph.node.append(helper.make_node("Add", ["output1", "more"], ["sum"]))
    model.graph.output[0].name = "sum"


def test_a_program_for_one_size_is_given_pictures_of_that_size(
    zoo: Model, weights: dict[str, Tensor], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _other_size_only(zoo)
    onnx.save(zoo, tmp_path / "fixed.onnx")
    network = read_exported_style(tmp_path / "fixed.onnx").network
    assert "takes pictures of 224 x 224 pixels only" in caplog.text
    photos = torch.rand(2, 3, 224, 224)
    torch.testing.assert_close(network(photos), expected(weights, photos))
    assert network(torch.rand(1, 3, 40, 60)).shape == (1, 3, 40, 60)


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_a_program_of_other_floats_gets_them(
    zoo: Model, weights: dict[str, Tensor], tmp_path: Path, dtype: int
) -> None:
    numpy_type = helper.tensor_dtype_to_np_dtype(dtype)
    graph = zoo.graph
    graph.node.insert(0, helper.make_node("Cast", ["input1"], ["single"], to=TensorProto.FLOAT))
    graph.node[1].input[0] = "single"
    graph.node.append(helper.make_node("Cast", ["output1"], ["output2"], to=dtype))
    graph.output[0].name = "output2"
    for value in (graph.input[0], graph.output[0]):
        value.type.tensor_type.elem_type = dtype
    onnx.save(zoo, tmp_path / "a.onnx")
    photos = torch.randint(0, 256, (1, 3, 64, 96)) / 255
    found = read_exported_style(tmp_path / "a.onnx").network(photos)
    assert found.dtype == torch.float32
    tolerance = 1e-2 if numpy_type == np.float16 else 1e-5
    torch.testing.assert_close(found, expected(weights, photos), rtol=tolerance, atol=tolerance)


def test_of_two_outputs_the_picture_is_taken(
    zoo: Model, weights: dict[str, Tensor], tmp_path: Path
) -> None:
    zoo.graph.node.append(helper.make_node("Flatten", ["n"], ["code"]))
    code = helper.make_tensor_value_info("code", TensorProto.FLOAT, [1, None])
    zoo.graph.output.insert(0, code)
    onnx.save(zoo, tmp_path / "a.onnx")
    photos = torch.rand(1, 3, 64, 96)
    found = read_exported_style(tmp_path / "a.onnx").network(photos)
    torch.testing.assert_close(found, expected(weights, photos))


def _black(model: Model) -> None:
    model.graph.node.append(helper.make_node("Sub", ["output1", "output1"], ["black"]))
    model.graph.output[0].name = "black"


def _gigapixels(model: Model) -> None:
    shape = numpy_helper.from_array(np.array([1, 3, 100_000, 100_000]), "shape")
    model.graph.initializer.append(shape)
    model.graph.node.append(helper.make_node("Reshape", ["output1", "shape"], ["large"]))
    model.graph.output[0].name = "large"
    for dimension in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dimension.dim_value = 100_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_black, "makes the same of all that is gray"),
        (_gigapixels, "100,000 x 100,000 pixels only: too many"),
        (_classifier, "makes no pictures: it is not a style"),
        (_weights_elsewhere, "keeps its weights in other files"),
        (_two_inputs, "is no style"),
    ],
)
def test_a_program_that_is_no_style_is_refused(
    zoo: Model, tmp_path: Path, change: Callable[[Model], None], message: str
) -> None:
    change(zoo)
    (tmp_path / "a.onnx").write_bytes(zoo.SerializeToString())
    with pytest.raises(UserError, match=message):
        read_exported_style(tmp_path / "a.onnx")


@pytest.mark.parametrize("content", [b"", b"hello", None])
def test_a_file_that_is_no_program_is_refused(
    zoo: Model, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(zoo.SerializeToString()[:-200] if content is None else content)
    with pytest.raises(UserError, match=r"a\.onnx (cannot be read as ONNX|is no style)"):
        read_exported_style(path)
    with pytest.raises(UserError, match="no such checkpoint"):
        read_exported_style(tmp_path / "absent.onnx")


def test_a_program_is_no_network_to_train_on(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").touch()
    with pytest.raises(UserError, match="pass the checkpoint it was exported from"):
        load_style(tmp_path / "a.onnx")
