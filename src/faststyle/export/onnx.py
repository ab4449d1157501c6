"""ONNX: for ONNX Runtime, and what else reads it (OpenCV, browsers, OpenVINO)."""

import logging
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.export.backend import BACKENDS, ExportBackend, LoadedModel, trace
from faststyle.export.export_module import ANY, ExportModule, ExportOptions
from faststyle.export.onnx_reading import TYPES, open_model, start_session
from faststyle.networks import STRIDE

if TYPE_CHECKING:
    import onnx

#: The oldest operators that torch writes: it cannot pad by older ones.
OLDEST_OPSET = 18
#: What photos are called behind the check of their size.
_CHECKED = "photos_checked"
#: Of the values of a layer, those beyond are clipped.
_PERCENTILE = 99.99


@BACKENDS.register("onnx")
class Onnx(ExportBackend):
    """ONNX, by torch's own exporter."""

    title = "ONNX"
    suffix = ".onnx"
    writer_packages = ("onnxscript",)
    runtime_packages = ("onnx", "onnxruntime")
    supports = frozenset({"half", "int8", "mixable", "opset"})

    def check_options(self, options: ExportOptions, styles: int) -> ExportOptions:
        """Raise ``UserError`` for versions that do not go together, too."""
        checked = super().check_options(options, styles)
        import onnx
        from onnx.helper import find_min_ir_version_for, make_opsetid

        newest = onnx.defs.onnx_opset_version()
        if options.opset is not None and not OLDEST_OPSET <= options.opset <= newest:
            raise UserError(f"--opset {options.opset} must be from {OLDEST_OPSET} to {newest}")
        least, most = (
            find_min_ir_version_for([make_opsetid("", options.opset or OLDEST_OPSET)]),
            onnx.IR_VERSION,
        )
        if options.ir_version is not None and not least <= options.ir_version <= most:
            raise UserError(f"--ir-version {options.ir_version} must be from {least} to {most}")
        return checked

    def write(
        self, module: ExportModule, path: Path, metadata: Mapping[str, str], options: ExportOptions
    ) -> None:
        """Write by torch's exporter, quantize if asked to, and add the metadata."""
        import onnx

        model = make_model(module, options)
        if options.int8:
            with tempfile.TemporaryDirectory() as folder:
                model = quantize_model(model, module, options, Path(folder))
        if options.ir_version:
            model.ir_version = options.ir_version
        onnx.helper.set_model_props(model, dict(metadata))
        path.write_bytes(model.SerializeToString())

    def load(self, path: Path) -> LoadedModel:
        """Load it by ONNX Runtime, on as many threads as torch has."""
        session = start_session(path.read_bytes(), torch.get_num_threads())
        inputs = session.get_inputs()

        def run(*given: Tensor) -> Tensor:
            named = {each.name: value.numpy() for each, value in zip(inputs, given, strict=True)}
            return torch.from_numpy(session.run(None, named)[0])

        metadata = session.get_modelmeta().custom_metadata_map
        return LoadedModel(run, TYPES[inputs[0].type], metadata, inputs=len(inputs))

    def read(self, path: Path) -> LoadedModel:
        """Load a model of anybody's (:mod:`faststyle.export.onnx_reading`)."""
        return open_model(path)


def make_model(module: ExportModule, options: ExportOptions) -> "onnx.ModelProto":
    """``module`` as torch writes it."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    traced = trace(module, options)
    made = torch.onnx.export(
        traced,
        input_names=["photos", "mixture"][: len(traced.graph_signature.user_inputs)],
        output_names=["stylised"],
        opset_version=options.opset,
        dynamo=True,
        verbose=False,
    )
    assert made is not None
    model: onnx.ModelProto = made.model_proto
    _clean(model)
    _name_dimensions(model, module, options)
    _check_sizes(model, options)
    return model


def _clean(model: "onnx.ModelProto") -> None:
    """Leave out paths and stack traces of this machine."""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""


def _name_dimensions(
    model: "onnx.ModelProto", module: ExportModule, options: ExportOptions
) -> None:
    """N, H and W, or multiples of these, where a dimension is not one number."""
    if options.size:
        return
    unit = 1 if options.sizes == ANY else STRIDE
    factor = getattr(module.network, "factor", 1)
    for value, times in ((model.graph.input[0], unit), (model.graph.output[0], unit * factor)):
        count, _, *sides = value.type.tensor_type.shape.dim
        count.dim_param = "N"
        for side, name in zip(sides, "HW", strict=True):
            side.dim_param = name if times == 1 else f"{times}*{name}"


def _check_sizes(model: "onnx.ModelProto", options: ExportOptions) -> None:
    """Have runtimes fail at a picture of another size: some look at no shape that is declared.

    Instead they would paint something (OpenCV 5 cuts what does not fit together).
    """
    from onnx import helper, numpy_helper

    if options.sizes == ANY:
        return
    nodes, given = list(model.graph.node), model.graph.input[0].name
    for node in nodes:
        node.input[:] = [_CHECKED if name == given else name for name in node.input]
    if options.size:
        constants, made = {"checked_size": [1, 3, *options.size]}, []
    else:  # as many whole fours as there are
        constants = {"checked_four": [STRIDE], "checked_same": [0, 0]}
        made = [
            helper.make_node("Shape", [given], ["checked_sides"], start=2),
            helper.make_node("Div", ["checked_sides", "checked_four"], ["checked_quarters"]),
            helper.make_node("Mul", ["checked_quarters", "checked_four"], ["checked_fours"]),
            helper.make_node("Concat", ["checked_same", "checked_fours"], ["checked_size"], axis=0),
        ]
    made.append(helper.make_node("Reshape", [given, "checked_size"], [_CHECKED]))
    del model.graph.node[:]
    model.graph.node.extend([*made, *nodes])
    for name, values in constants.items():
        tensor = numpy_helper.from_array(np.array(values, np.int64), name)
        model.graph.initializer.append(tensor)


def quantize_model(
    model: "onnx.ModelProto", module: ExportModule, options: ExportOptions, folder: Path
) -> "onnx.ModelProto":
    """The convolutions of ``model``, but for the first and the last, in 8 bits.

    Weights have a scale for each channel. What convolutions take and give is uint8, whose range is
    that of the calibration photos' values. Normalization stays in float, and so do the first and
    the last convolution, which take and make the pixels: with them in 8 bits, the largest error of
    a pixel was 75 of 255 instead of 41 (starry_night).

    ``folder``: for files that are needed on the way.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Photos(CalibrationDataReader):  # type: ignore[misc]
        """Each photo, as the model takes it."""

        def __init__(self) -> None:
            self.left: Iterator[Tensor] = iter(())

        def __len__(self) -> int:
            return len(fitted)

        def set_range(self, start_index: int, end_index: int) -> None:
            self.left = iter(fitted[start_index:end_index])

        def get_next(self) -> dict[str, object] | None:
            photo = next(self.left, None)
            return None if photo is None else {"photos": module.encode(photo).numpy()}

    fitted = options.fitted()
    first, *_, last = (node.name for node in model.graph.node if node.op_type == "Conv")
    target = folder / "int8.onnx"
    quantize_static(
        model,
        str(target),
        Photos(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        nodes_to_exclude=[first, last],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.Percentile,
        # One photo after another: the values of all layers for all photos are many gigabytes.
        extra_options={"CalibPercentile": _PERCENTILE, "CalibStridedMinMax": 1},
    )
    return onnx.load(target)
