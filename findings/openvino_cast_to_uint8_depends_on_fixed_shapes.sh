#!/usr/bin/env bash
# Expected: whether the picture's size is fixed or left open in a model changes its speed, not its
# values. A Cast of 300 and -1 to uint8 gives 44 and 255 (wraps, as in onnxruntime, torch and numpy)
# or 255 and 0 (saturates): one of them.
#
# Instead: OpenVINO's CPU plug-in saturates while a dimension is dynamic, and wraps once all are
# fixed. The same file, or the same model object before and after model.reshape(), gives other
# pictures where a network overshoots: white specks in black that nobody saw while testing with open
# sizes. A Clip before the Cast avoids it.
#
# Seen with: openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2, on an x86-64 CPU.
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
from onnx import TensorProto, helper

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("openvino", openvino.__version__.split("-")[0], "onnxruntime", onnxruntime.__version__)
sides = [1, 3, "height", "width"]
model = helper.make_model(helper.make_graph(
    [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.UINT8)], "g",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, sides)],
    [helper.make_tensor_value_info("y", TensorProto.UINT8, sides)]),
    opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
onnx.checker.check_model(model)
blob = model.SerializeToString()
picture = np.full((1, 3, 8, 8), 100, np.float32)
picture[..., 0], picture[..., 1] = 300, -1

def values(result):
    return result[0, 0, 0, :3].tolist()

core = openvino.Core()
loaded = core.read_model(blob)
compiled = {}
compiled["open sizes"] = values(core.compile_model(loaded, "CPU")([picture])[0])
loaded.reshape([1, 3, 8, 8])
compiled["fixed sizes"] = values(core.compile_model(loaded, "CPU")([picture])[0])
session = onnxruntime.InferenceSession(blob, providers=["CPUExecutionProvider"])
print("float32 in:           [300, -1, 100]")
print("onnxruntime:         ", values(session.run(None, {"x": picture})[0]))
for label, got in compiled.items():
    print(f"OpenVINO, {label}:".ljust(22), got)
check(compiled["open sizes"] == [255, 0, 100], "OpenVINO with open sizes no longer saturates")
check(compiled["fixed sizes"] == [44, 255, 100], "OpenVINO with fixed sizes no longer wraps")
PY
