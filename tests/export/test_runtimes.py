"""Each format's files, loaded by the runtime that they are for, beside the network.

Heavy runtimes are not installed for CI: ``pip install "faststyle[executorch,litert,coreml]"``.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.export import BACKENDS, ExportOptions
from faststyle.export.onnx import Onnx
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, open_style, read_exported_style
from faststyle.styles.exporting import export
from faststyle.stylize.stylizer import Stylizer
from tests.several import several_styles
from tests.upscalers import upscaler_style

_FACTS = StyleMetadata("night", title="The Starry Night — “é”", style_size=256)
_BY_HAND = 'run by hand: pip install "faststyle[{}]"'
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["plain", "noise"])
def style(request: pytest.FixtureRequest) -> TrainedStyle:
    torch.manual_seed(0)
    octaves = 2 if request.param == "noise" else 0
    network = TransformNetwork(width=4, blocks=1, noise=octaves).eval()
    for module in network.modules():
        if isinstance(module, nn.InstanceNorm2d):  # not the 1 and 0 that they start with
            nn.init.normal_(module.weight)
    return TrainedStyle(network.requires_grad_(False), _FACTS)


@pytest.fixture(scope="module")
def photos() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    smooth = torch.rand(4, 3, 12, 16, generator=generator)
    enlarged = nn.functional.interpolate(smooth, (48, 64), mode="bicubic").clamp(0, 1)
    return [photo[None] for photo in enlarged]


def _need(*packages: str, extra: str) -> None:
    for package in packages:
        pytest.importorskip(package, reason=_BY_HAND.format(extra))


def _check(style: TrainedStyle, path: Path, sizes: Sequence[tuple[int, ...]], mean: float) -> None:
    """Written, read again, and run, it is within ``mean`` gray levels of the network."""
    found = Stylizer.load(path)
    assert found.name == path.stem
    assert found.metadata == _FACTS
    for shape in sizes:
        given = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)) / 255
        difference = found(given) - style.network(given).clamp(0, 1)
        assert difference.shape == given.shape
        assert difference.abs().mean() * 255 < mean


@pytest.mark.parametrize(
    ("style", "pixels"), [("plain", "bytes"), ("noise", "float")], indirect=["style"]
)
def test_openvino_computes_any_number_of_pictures_of_any_size(
    style: TrainedStyle, tmp_path: Path, pixels: str
) -> None:
    pytest.importorskip("openvino")
    found = export(style, tmp_path / "a.xml", "openvino", ExportOptions(pixels))
    assert found is not None
    assert found.largest <= 1
    _check(style, tmp_path / "a.xml", [(1, 3, 40, 60), (3, 3, 33, 47)], 0.3)


@pytest.mark.parametrize("style", ["noise"], indirect=True)
def test_openvinos_two_files_are_replaced_together(style: TrainedStyle, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    path = tmp_path / "a.xml"
    (tmp_path / "a.bin").write_bytes(b"another")
    export(style, path, "openvino", ExportOptions("float", sizes=(48, 64)))
    whole = (tmp_path / "a.bin").stat().st_size
    export(style, path, "openvino", ExportOptions("float", half=True, sizes=(48, 64)))
    assert (tmp_path / "a.bin").stat().st_size < whole
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.bin", "a.xml"]
    _check(style, path, [(2, 3, 48, 64)], 0.3)


def test_openvino_takes_a_mixture_of_styles(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    found = export(several_styles(), tmp_path / "a.xml", "openvino")
    assert found is not None
    assert found.largest <= 1
    with pytest.raises(UserError, match="takes more than photos"):
        read_exported_style(tmp_path / "a.xml")


@pytest.mark.parametrize("pixels", ["bytes", "float"])
@pytest.mark.parametrize("form", ["executorch", "litert"])
def test_phones_formats_compute_pictures_of_one_size(
    style: TrainedStyle, tmp_path: Path, form: str, pixels: str
) -> None:
    path = tmp_path / f"a{_suffix(form)}"
    found = export(style, path, form, ExportOptions(pixels, sizes=(48, 64)))
    assert found is not None
    assert found.largest <= 1
    _check(style, path, [(1, 3, 48, 64), (2, 3, 48, 64)], 0.3)
    assert Stylizer.load(path)(torch.rand(1, 3, 30, 51)).shape == (1, 3, 30, 51)


@pytest.mark.parametrize("form", ["onnx", "executorch", "litert"])
def test_in_8_bits_pictures_stay_what_they_are(
    photos: list[Tensor], tmp_path: Path, form: str
) -> None:
    style = open_style("starry_night_small")  # networks of random weights amplify any rounding
    path = tmp_path / f"a{_suffix(form)}"
    options = ExportOptions("float", int8=True, sizes=(48, 64), calibration=photos)
    found = export(style, path, form, options)
    assert found is not None
    assert 0 < found.mean < 4
    shown = photos[1]
    difference = Stylizer.load(path)(shown) - style.network(shown).clamp(0, 1)
    assert difference.abs().mean() * 255 < 4


def test_litert_has_weights_of_half_the_size(style: TrainedStyle, tmp_path: Path) -> None:
    sizes = []
    for half in (False, True):
        path = tmp_path / f"a{_suffix('litert')}"
        found = export(style, path, "litert", ExportOptions("float", half, sizes=(48, 64)))
        assert found is not None
        assert found.largest < 3
        sizes.append(path.stat().st_size)
        _check(style, path, [(1, 3, 48, 64)], 0.5)
    assert sizes[1] < sizes[0]


def test_litert_has_no_layout_change_and_no_pad(style: TrainedStyle, tmp_path: Path) -> None:
    """Its delegates for graphics chips know no mirroring pad."""
    path = tmp_path / f"a{_suffix('litert')}"
    export(style, path, "litert", ExportOptions("float", sizes=(48, 64)))
    from ai_edge_litert.interpreter import Interpreter

    found = {each["op_name"] for each in Interpreter(str(path))._get_ops_details()}
    assert not found & {"TRANSPOSE", "MIRROR_PAD", "GATHER_ND", "PAD", "PADV2"}
    assert {"CONV_2D", "SLICE", "CONCATENATION", "MEAN", "RESIZE_NEAREST_NEIGHBOR"} <= found


@pytest.mark.parametrize(
    ("style", "pixels"), [("plain", "bytes"), ("noise", "float")], indirect=["style"]
)
def test_mnn_computes_any_number_of_pictures_of_any_size(
    style: TrainedStyle, tmp_path: Path, pixels: str
) -> None:
    _need("MNN", extra="mnn")
    found = export(style, tmp_path / "a.mnn", "mnn", ExportOptions(pixels))
    assert found is not None
    assert found.largest <= 1
    _check(style, tmp_path / "a.mnn", [(1, 3, 40, 60), (3, 3, 33, 47)], 0.3)


def test_mnn_takes_a_mixture_of_styles(tmp_path: Path) -> None:
    _need("MNN", extra="mnn")
    found = export(several_styles(), tmp_path / "a.mnn", "mnn")
    assert found is not None
    assert found.largest <= 1


@pytest.mark.parametrize("pixels", ["bytes", "float"])
def test_ncnn_computes_pictures_of_one_size_and_refuses_others(
    style: TrainedStyle, tmp_path: Path, pixels: str
) -> None:
    _need("ncnn", "pnnx", extra="ncnn")
    path = tmp_path / "a.param"
    found = export(style, path, "ncnn", ExportOptions(pixels, sizes=(48, 64)))
    assert found is not None
    assert found.largest <= 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.bin", "a.param"]
    _check(style, path, [(1, 3, 48, 64), (2, 3, 48, 64)], 0.3)
    model = BACKENDS.build("ncnn").load(path)
    assert model is not None
    with pytest.raises(ValueError, match="64 x 48 pixels only"):
        model.run(torch.zeros(1, 3, 64, 48, dtype=model.dtype))


@pytest.mark.parametrize("form", ["executorch", "litert", "coreml", "ncnn", "mnn"])
def test_networks_that_reflect_the_photo_first_are_programs_too(tmp_path: Path, form: str) -> None:
    package = {"litert": "litert_torch", "coreml": "coremltools", "mnn": "MNN"}.get(form, form)
    _need(package, extra=form)
    torch.manual_seed(0)
    network = TransformNetwork(width=4, blocks=1, noise=2, margin=8).eval().requires_grad_(False)
    path = tmp_path / f"a{BACKENDS[form].suffix}"
    found = export(TrainedStyle(network, _FACTS), path, form)
    assert found is None if form == "coreml" else found is not None and found.largest <= 1


@pytest.mark.parametrize("size", [None, (48, 64)])
def test_core_ml_packages_hold_what_apples_processors_compute_fast(
    style: TrainedStyle, tmp_path: Path, size: tuple[int, int] | None
) -> None:
    _need("coremltools", extra="coreml")
    import coremltools as ct

    from faststyle.export.coreml import operations

    path = tmp_path / "a.mlpackage"
    assert export(style, path, "coreml", ExportOptions("bytes", half=True, sizes=size)) is None
    spec = ct.utils.load_spec(str(path))
    [given], [made] = spec.description.input, spec.description.output
    assert (given.name, made.name) == ("photos", "stylised")
    assert given.type.WhichOneof("Type") == made.type.WhichOneof("Type") == "imageType"
    ranges = given.type.imageType.imageSizeRange.widthRange
    assert (ranges.lowerBound, ranges.upperBound) == ((0, 0) if size else (16, 1024))
    assert spec.description.metadata.userDefined["title"] == _FACTS.title
    counted = operations(spec)
    layers = Counter(type(each).__name__ for each in style.network.modules())
    assert counted["instance_norm"] == layers["InstanceNorm2d"]
    assert counted["pad"] == layers["Conv2d"] + layers["OutputConv"]
    assert not counted["transpose"]


@pytest.mark.parametrize(
    ("form", "suffix", "package"),
    [
        ("onnx", ".onnx", "onnxruntime"),
        ("openvino", ".xml", "openvino"),
        ("executorch", ".pte", "executorch"),
        ("litert", ".tflite", "litert_torch"),
    ],
)
def test_an_enlarger_is_a_program_too(tmp_path: Path, form: str, suffix: str, package: str) -> None:
    _need(package, extra=form)
    style, path = upscaler_style(2), tmp_path / f"a{suffix}"
    difference = export(style, path, form, ExportOptions(sizes=(16, 20)))
    assert difference is not None
    assert difference.largest <= 1
    assert difference.mean < 0.05


@pytest.mark.parametrize("size", [None, (16, 20)])
def test_core_ml_enlarges_by_a_convolution(tmp_path: Path, size: tuple[int, int] | None) -> None:
    _need("coremltools", extra="coreml")
    path = tmp_path / "a.mlpackage"
    assert export(upscaler_style(4), path, "coreml", ExportOptions(half=True, sizes=size)) is None
    assert path.is_dir()


def test_a_network_that_a_format_cannot_write_is_one_line(
    style: TrainedStyle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise NotImplementedError("no such\noperator")

    monkeypatch.setattr(Onnx, "write", fail)
    with pytest.raises(UserError, match="ONNX has no form of this network: no such operator"):
        export(style, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("form", "options", "message"),
    [
        ("executorch", {"half": True}, "--half: --format executorch has no such form"),
        ("openvino", {"int8": True}, "--int8: --format openvino has no such form"),
        ("torch", {"opset": 18}, "--opset: --format torch has no such form"),
        ("coreml", {"int8": True}, "--int8: --format coreml has no such form"),
    ],
)
def test_what_a_format_cannot_have_is_one_line(
    style: TrainedStyle, photos: list[Tensor], tmp_path: Path, form: str, options: dict[str, int],
    message: str,
) -> None:  # fmt: skip
    given = ExportOptions(**options, calibration=photos)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=message):
        export(style, tmp_path / "a", form, given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["executorch", "litert", "coreml"])
def test_a_mixture_is_no_input_of_phones_formats(tmp_path: Path, form: str) -> None:
    with pytest.raises(UserError, match=f"--mixable: --format {form} has no such form"):
        export(several_styles(), tmp_path / "a", form)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256))])
@pytest.mark.parametrize("suffix", [".pte", ".tflite", ".xml"])
def test_damage_is_one_line(
    tmp_path: Path, suffix: str, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    package = {".pte": "executorch", ".tflite": "ai_edge_litert", ".xml": "openvino"}[suffix]
    pytest.importorskip(package)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"a\{suffix} cannot be read as \w+ \(truncated\?\)"):
        read_exported_style(path)
    assert ".cpp" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("suffix", "package", "extra"),
    [
        (".pte", "executorch", "executorch"),
        (".tflite", "ai_edge_litert", "litert"),
        (".xml", "openvino", "openvino"),
        (".onnx", "onnxruntime", "export"),
    ],
)
def test_a_runtime_that_is_missing_is_named_with_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf'pip install "faststyle\[{extra}\]"'):
        read_exported_style(tmp_path / f"a{suffix}")


def _suffix(form: str) -> str:
    """Of its files; skips the test if its packages are missing."""
    if form == "executorch":
        _need("executorch", "torchao", extra=form)
        return ".pte"
    if form == "litert":
        _need("litert_torch", "ai_edge_litert", "ai_edge_quantizer", extra=form)
        return ".tflite"
    return ".onnx"
