import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from faststyle.core.errors import UserError
from faststyle.export import ExportModule, ExportOptions
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.styles.exporting import export
from faststyle.stylize.stylizer import Stylizer
from tests.several import several_styles
from tests.upscalers import upscaler_style

FACTS = {"style": "night", "title": "The Starry Night"}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def style() -> TrainedStyle:
    torch.manual_seed(0)
    network = TransformNetwork(width=4, blocks=1).eval()
    for module in network.modules():
        if isinstance(module, nn.InstanceNorm2d):  # not the 1 and 0 that they start with
            nn.init.normal_(module.weight)
    return TrainedStyle(network, StyleMetadata.read(FACTS))


@pytest.fixture(scope="module", params=["bytes", "float"])
def onnx(request: pytest.FixtureRequest, style: TrainedStyle, tmp_path_factory) -> Path:  # type: ignore[no-untyped-def]
    path: Path = tmp_path_factory.mktemp("onnx") / f"{request.param}.onnx"
    found = export(style, path, "onnx", ExportOptions(request.param))
    assert found is not None
    assert found.largest <= 1
    assert found.mean <= 0.1
    return path


@pytest.mark.parametrize("shape", [(1, 3, 40, 60), (3, 3, 33, 47), (1, 3, 8, 9)])
def test_onnx_runtime_computes_what_pytorch_does(
    style: TrainedStyle, onnx: Path, shape: tuple[int, ...]
) -> None:
    session = onnxruntime.InferenceSession(onnx)
    eight_bit = torch.randint(0, 256, shape, dtype=torch.uint8)
    photos = eight_bit if onnx.stem == "bytes" else eight_bit / 255
    [found] = session.run(None, {"photos": photos.numpy()})
    with torch.no_grad():
        expected = style.network(eight_bit / 255).numpy() * 255
    scale = 1 if onnx.stem == "bytes" else 255
    assert found.shape == shape
    assert np.abs(found.astype(np.float32) * scale - expected).max() < 0.51


def test_onnx_carries_what_is_known_of_the_style(onnx: Path) -> None:
    found = onnxruntime.InferenceSession(onnx).get_modelmeta().custom_metadata_map
    assert {key: found[key] for key in FACTS} == FACTS


def test_read_again_it_makes_the_same_picture(style: TrainedStyle, onnx: Path) -> None:
    photos = torch.randint(0, 256, (2, 3, 30, 21)) / 255
    found = Stylizer.load(onnx)
    assert (found.name, found.metadata.style) == (onnx.stem, "night")
    assert (found(photos) - Stylizer(style, "cpu")(photos)).abs().max() < 0.51 / 255


@pytest.mark.parametrize("onnx", ["float"], indirect=True)
def test_half_precision_takes_half_the_size_and_leaves_the_style_as_it_is(
    style: TrainedStyle, onnx: Path, tmp_path: Path
) -> None:
    path = tmp_path / "half.onnx"
    found = export(style, path, "onnx", ExportOptions(onnx.stem, half=True))
    assert found is not None
    assert found.largest <= 4
    whole, half = (sum(weights.nbytes for weights in _weights(file)) for file in (onnx, path))
    assert half == whole / 2
    assert {weight.dtype for weight in style.network.parameters()} == {torch.float32}


def _weights(path: Path) -> list[np.ndarray]:
    import onnx
    from onnx import numpy_helper

    arrays = [numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer]
    return [array for array in arrays if array.dtype.kind == "f" and array.ndim == 4]


def test_a_torch_program_runs_without_faststyle(style: TrainedStyle, tmp_path: Path) -> None:
    path = tmp_path / "night.pt2"
    found = export(style, path, "torch")
    assert found is not None
    assert found.largest <= 1
    photos = torch.randint(0, 256, (1, 3, 33, 47), dtype=torch.uint8)
    torch.save(photos, tmp_path / "photos.pt")
    code = f"""
import sys
sys.modules["faststyle"] = None
import torch
facts = {{"facts.json": ""}}
program = torch.export.load({str(path)!r}, extra_files=facts).module()
torch.save(program(torch.load({str(tmp_path / "photos.pt")!r})), {str(tmp_path / "out.pt")!r})
print(facts["facts.json"])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {**FACTS, "pixels": "bytes", "sizes": "any"}
    found, expected = torch.load(tmp_path / "out.pt"), ExportModule(style.network)(photos)
    assert (found.int() - expected.int()).abs().max() <= 1, "but for rounding"


def test_a_torch_program_with_noise_takes_pictures_of_every_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = TransformNetwork(width=2, blocks=0, noise=3, margin=8).eval().requires_grad_(False)
    export(TrainedStyle(network), tmp_path / "a.pt2", "torch", ExportOptions("float"))
    program = torch.export.load(tmp_path / "a.pt2").module()
    for size in ((8, 9), (33, 47), (64, 64), (52, 200), (256, 40)):
        photos = torch.rand(1, 3, *size)
        torch.testing.assert_close(program(photos), network(photos), rtol=0, atol=1e-4)


def test_what_is_not_known_is_named(style: TrainedStyle, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='"onx": did you mean "onnx"'):
        export(style, tmp_path / "a", "onx")
    with pytest.raises(UserError, match='"byte": did you mean "bytes"'):
        ExportOptions("byte")
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_it_says_what_to_install(
    style: TrainedStyle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"pip install .*\[export\]"):
        export(style, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("form", "pixels", "half"),
    [("onnx", "bytes", True), ("torch", "float", False)],
)
def test_the_mixture_of_several_styles_can_be_an_input(
    tmp_path: Path, form: str, pixels: str, half: bool
) -> None:
    style, path = several_styles(), tmp_path / f"all.{form}"
    difference = export(style, path, form, ExportOptions(pixels, half))
    assert difference is not None
    assert difference.largest <= 2
    photos, weights = torch.rand(2, 3, 30, 44), torch.tensor([0.0, 2.0, 1.0, 5.0])
    given = (photos * 255).round().to(torch.uint8) if pixels == "bytes" else photos
    if form == "onnx":
        session = onnxruntime.InferenceSession(path)
        assert (
            json.loads(session.get_modelmeta().custom_metadata_map["styles"])[3]["style"] == "wave"
        )
        [found] = session.run(None, {"photos": given.numpy(), "mixture": weights.numpy()})
        found = torch.from_numpy(found)
    else:
        with path.open("rb") as file:
            found = torch.export.load(file).module()(given, weights)
    scale = 255 if pixels == "bytes" else 1
    expected = style.network(given.float() / scale, weights / 8)
    tolerance = 0.01 if half else 0.6 / 255 if pixels == "bytes" else 1e-5
    torch.testing.assert_close(found.float() / scale, expected, rtol=0, atol=tolerance)


def test_a_network_that_enlarges_is_a_program_of_any_size_too(tmp_path: Path) -> None:
    trained, path = upscaler_style(4), tmp_path / "x4.onnx"
    difference = export(trained, path, "onnx")
    assert difference is not None
    assert difference.largest <= 1
    photos = torch.randint(0, 256, (1, 3, 11, 18), dtype=torch.uint8)
    [found] = onnxruntime.InferenceSession(path).run(None, {"photos": photos.numpy()})
    expected = trained.network(photos / 255).clamp(0, 1).numpy() * 255
    assert found.shape == (1, 3, 44, 72)
    assert np.abs(found.astype(np.float32) - expected).max() < 0.51


@pytest.mark.parametrize("form", ["onnx", "torch"])
def test_a_file_holds_no_path_of_the_machine(
    style: TrainedStyle, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "a"
    export(style, path, form)
    content = path.read_bytes()
    if form == "torch":
        with zipfile.ZipFile(path) as archive:
            content = b"".join(map(archive.read, archive.namelist()))
    for text in (str(Path.home()), str(Path(__file__).parents[2]), sys.prefix, ".py"):
        assert text.encode() not in content


def test_dimensions_have_names_and_no_operator_that_others_lack(tmp_path: Path) -> None:
    import onnx

    torch.manual_seed(0)
    network = TransformNetwork(width=2, blocks=0, noise=2, margin=8).eval()
    export(TrainedStyle(network), tmp_path / "a.onnx")
    graph = onnx.load(tmp_path / "a.onnx").graph
    for value in (graph.input[0], graph.output[0]):
        dimensions = value.type.tensor_type.shape.dim
        assert [each.dim_param or each.dim_value for each in dimensions] == ["N", 3, "H", "W"]
    assert not {"GatherND", "Split"} & {node.op_type for node in graph.node}
    weights = {tensor.name for tensor in graph.initializer}
    assert not [n for n in graph.node if n.op_type == "Conv" and n.input[0] in weights]


@pytest.mark.parametrize("margin", [0, 16])
def test_a_program_for_multiples_of_4_refuses_others_and_is_applied_to_all(
    tmp_path: Path, margin: int
) -> None:
    torch.manual_seed(0)
    network = TransformNetwork(width=2, blocks=0, noise=2, margin=margin).eval()
    style, path = TrainedStyle(network.requires_grad_(False)), tmp_path / "a.onnx"
    found = export(style, path, "onnx", ExportOptions("float", sizes="multiple4"))
    assert found is not None
    assert found.largest < 0.1
    session = onnxruntime.InferenceSession(path)
    with pytest.raises(Exception, match="reshape"):
        session.run(None, {"photos": np.zeros((1, 3, 50, 64), np.float32)})
    photos = torch.randint(0, 256, (1, 3, 30, 51)) / 255
    # Sides of less than 36 are enlarged by repetition there as here.
    assert (Stylizer.load(path)(photos) - network(photos)).abs().max() < 1 / 255


def test_a_program_for_one_size_refuses_others(style: TrainedStyle, tmp_path: Path) -> None:
    export(style, tmp_path / "a.onnx", "onnx", ExportOptions(sizes=(48, 64)))
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["sizes"] == "48x64"
    with pytest.raises(Exception, match="invalid dimensions"):
        session.run(None, {"photos": np.zeros((1, 3, 64, 48), np.uint8)})


def test_half_precision_is_compared_as_computed_in_half_precision_too(
    style: TrainedStyle, tmp_path: Path
) -> None:
    found = export(style, tmp_path / "a.onnx", "onnx", ExportOptions("float", half=True))
    assert found is not None
    assert found.in_float16 is not None
    assert found.largest < found.in_float16 < 8
    assert "where float16 is computed with" in str(found)
