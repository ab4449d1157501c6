#!/usr/bin/env bash
# Expected: Softmax of ONNX opset 11 and 12, where it flattens all axes from `axis` on into one and
# normalizes over that, gives in OpenVINO what onnxruntime gives, as Softmax of opset 10 does.
#
# Instead: OpenVINO normalizes over the one axis, which is the meaning that came with opset 13. Of a
# map of 1x3x4x5 with axis=1, all 60 numbers sum to 20 and not to 1. The same node at opset 10
# (flattening) and 13 (one axis) agrees with onnxruntime, so only models of opset 11 and 12 (long a
# common choice of exporters) are wrong, and only where axes follow the given one. LogSoftmax and
# Hardmax of opset 11 were not looked at.
#
# Seen with: openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2, on an x86-64 CPU.
#
# Source: openvino src/frontends/onnx/frontend/src/op/softmax.cpp flattens in set_1 and no longer in
# set_11; the operator's page of opset 11 still has the flattening.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, onnx, onnxruntime, openvino
from onnx import TensorProto, helper

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__, "openvino", openvino.__version__.split("-")[0])
scores = np.random.default_rng(0).random((1, 3, 4, 5), dtype=np.float32)
core = openvino.Core()
for opset in (10, 11, 12, 13):
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, list(scores.shape))
    model = helper.make_model(helper.make_graph([helper.make_node("Softmax", ["x"], ["y"], axis=1)], "g", [value("x")], [value("y")]),
                              opset_imports=[helper.make_opsetid("", opset)], ir_version=6)
    onnx.checker.check_model(model)
    blob = model.SerializeToString()
    ort = onnxruntime.InferenceSession(blob, providers=["CPUExecutionProvider"]).run(None, {"x": scores})[0]
    ov = core.compile_model(core.read_model(blob), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([scores])[0]
    print(f"opset {opset}: sum of all: onnxruntime {ort.sum():.3f}, OpenVINO {ov.sum():.3f}")
    check(abs(ort.sum() - (20 if opset == 13 else 1)) < 1e-3, f"onnxruntime reads opset {opset} otherwise")
    check(abs(ov.sum() - (1 if opset == 10 else 20)) < 1e-3, f"OpenVINO reads opset {opset} otherwise")
PY
