#!/usr/bin/env bash
# Expected: a model with int64 inputs and outputs (seeds, hashes, frame numbers, milliseconds since
# 1970) computes in 64 bits, or is refused where the device cannot.
#
# Instead: OpenVINO's CPU plug-in computes int64 as int32. The output tensor still has type int64,
# but numbers above 2147483647 wrap without a word, even through a mere Identity.
#
# Seen with: onnx 1.23.2, onnxruntime 1.32.0, openvino 2026.4.1, on an x86-64 CPU.
#
# Source: OpenVINO documentation, "CPU Device", which lists i32 as the only plain integer type of
# its primitives.
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
values = np.array([7, 2**31 - 1, 2**31, 5_000_000_000, 1_700_000_000_000], np.int64)
ort, ov = both(helper.make_node("Identity", ["x"], ["y"]), values, TensorProto.INT64, TensorProto.INT64)
print("int64 in   ", values.tolist())
print("onnxruntime", ort.dtype, ort.tolist())
print("OpenVINO   ", ov.dtype, ov.tolist())
check(np.array_equal(ort, values), "onnxruntime changes int64 values")
check(ov.dtype == np.int64 and np.array_equal(ov[:2], values[:2]), "OpenVINO changes small values or their type")
check(np.array_equal(ov, values.astype(np.int32)), "OpenVINO no longer wraps at 32 bits")
PY
