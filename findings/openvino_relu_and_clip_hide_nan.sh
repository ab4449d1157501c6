#!/usr/bin/env bash
# Expected: a NaN that arises in a network (an overflow in half precision, a broken weight) reaches
# the output, so that a check for NaN there finds it: onnxruntime and torch pass NaN through Relu
# and Clip.
#
# Instead: on OpenVINO's CPU plug-in Relu(NaN) is 0 and Clip(NaN) the lower bound: the picture has
# black areas, all values are finite, and the check passes. A style network has a Relu after every
# layer and often a Clip at the end.
#
# Seen with: onnx 1.23.2, onnxruntime 1.32.0, openvino 2026.4.1, on an x86-64 CPU.
#
# Source: seen by running.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, onnx, onnxruntime, openvino
from onnx import TensorProto, helper, numpy_helper

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

def both(node, data, data_type, result_type, constants=(), shape=None):
    """What onnxruntime and OpenVINO (in f32) answer for a model of one node."""
    model = helper.make_model(helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", data_type, list(data.shape))],
        [helper.make_tensor_value_info("y", result_type, shape or list(data.shape))],
        [numpy_helper.from_array(value, name) for name, value in constants]),
        opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    onnx.checker.check_model(model)
    blob = model.SerializeToString()
    ort = onnxruntime.InferenceSession(blob, providers=["CPUExecutionProvider"]).run(None, {"x": data})[0]
    core = openvino.Core()
    ov = core.compile_model(core.read_model(blob), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([data])[0]
    return ort, ov

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__, "openvino", openvino.__version__.split("-")[0])
values = np.array([np.nan, -1.0, 0.25, np.inf], np.float32)
bounds = [("low", np.float32(0)), ("high", np.float32(1))]
nodes = {"Relu": (helper.make_node("Relu", ["x"], ["y"]), []),
         "Clip(0, 1)": (helper.make_node("Clip", ["x", "low", "high"], ["y"]), bounds)}
print("in:", values.tolist())
for name, (node, constants) in nodes.items():
    ort, ov = both(node, values, TensorProto.FLOAT, TensorProto.FLOAT, constants)
    print(f"{name}: onnxruntime {ort.tolist()}, OpenVINO {ov.tolist()}")
    check(np.isnan(ort[0]), name + " of onnxruntime no longer passes NaN on")
    check(ov[0] == 0, name + " of OpenVINO no longer turns NaN into 0")
    check(np.array_equal(ort[1:], ov[1:]), name + " differs for other values")
PY
