#!/usr/bin/env bash
# Expected: an output of type bfloat16 comes to numpy as float32, or as the bfloat16 of ml_dtypes as
# onnx and torch exchange it, or not at all.
#
# Instead: OpenVINO hands out an array of numpy's float16 that has the bits of bfloat16 in it. Every
# number is another one (1.0 reads 1.875, 256 reads 3.75), all are finite and in a plausible range
# and order, and dtype says float16. array.view(ml_dtypes.bfloat16) gives the values.
#
# Seen with: openvino 2026.4.1, onnx 1.23.2, on an x86-64 CPU.
#
# Source: seen by running; the element type of the output port and of the tensor is bfloat16.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check openvino==2026.4.1 onnx==1.23.2 ml_dtypes==0.6.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import ml_dtypes, numpy as np, onnx, openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("openvino", openvino.__version__.split("-")[0], "onnx", onnx.__version__)
data = np.array([[-2, 0.5, 1, 2, 256]], np.float32)                 # each is exact in bfloat16
model = helper.make_model(helper.make_graph(
    [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.BFLOAT16)], "g",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 5])],
    [helper.make_tensor_value_info("y", TensorProto.BFLOAT16, [1, 5])]),
    opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
onnx.checker.check_model(model)
reference = ReferenceEvaluator(model).run(None, {"x": data})[0]
core = openvino.Core()
compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU")
got = compiled([data])[0]
print("output type:", compiled.output(0).element_type)
print("given      ", data[0].tolist())
print("onnx       ", reference[0].astype(np.float32).tolist(), reference.dtype)
print("OpenVINO   ", got[0].tolist(), got.dtype)
print("its bits as bfloat16:", got.view(ml_dtypes.bfloat16)[0].astype(np.float32).tolist())
check(got.dtype == np.float16, f"the array is now {got.dtype}")
check(np.array_equal(got.view(ml_dtypes.bfloat16).astype(np.float32), data), "the bits are no longer bfloat16")
check(got[0, 2] == 1.875 and got[0, 4] == 3.75, "the values are no longer read as float16")
PY
