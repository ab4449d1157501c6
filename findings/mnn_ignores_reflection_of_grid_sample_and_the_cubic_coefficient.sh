#!/usr/bin/env bash
# Expected: mnnconvert takes an ONNX model whose every node is valid and MNN computes it as the
# attributes say, or the converter refuses what MNN does not have, as it does for other operators.
#
# Instead: padding_mode="reflection" of GridSample (warps of frames by flow) is computed as "border";
# cubic_coeff_a=-0.5 of Resize (Pillow's and TensorFlow's bicubic) as -0.75 (torch's, ONNX' default);
# auto_pad="SAME_LOWER" as SAME_UPPER. The converter exits with 0 and writes the file; pixels
# inside the picture or far from edges are equal, so a look at the output does not tell. Zeros,
# border, the default coefficient and SAME_UPPER are right.
#
# Seen with: MNN 3.6.1, onnx 1.23.2, onnxruntime 1.32.0, on an x86-64 CPU.
#
# Source: seen by running.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check mnn==3.6.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import os, subprocess, sys
import MNN, numpy as np, onnx, onnxruntime
from MNN import expr, nn
from importlib.metadata import version
from onnx import TensorProto, helper, numpy_helper

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

def both(node, inputs, constants, shape, opset):
    """What onnxruntime and MNN answer for a model of one node."""
    model = helper.make_model(helper.make_graph(
        [node], "g", [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(value.shape)) for name, value in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()]),
        opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, "model.onnx")
    # Not by the command mnnconvert, which installs a package with the first pip of PATH.
    converter = [sys.executable, "-c", "import sys, MNN, _tools; _tools.mnnconvert(sys.argv)"]
    subprocess.run([*converter, "-f", "ONNX", "--modelFile", "model.onnx", "--MNNModel", "model.mnn", "--bizCode", "x"], check=True, capture_output=True)
    ort = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"]).run(None, inputs)[0]
    given = []
    for value in inputs.values():
        given.append(expr.placeholder(list(value.shape), expr.NCHW, expr.float))
        given[-1].write(value)
    answer = nn.load_module_from_file("model.mnn", list(inputs), ["y"]).forward(given)
    answer = answer[0] if isinstance(answer, (list, tuple)) else answer
    if answer.data_format == expr.NC4HW4:
        answer = expr.convert(answer, expr.NCHW)
    os.remove("model.mnn")
    return ort.ravel(), np.array(answer.read()).ravel()

def show(name, pair, right):
    same = bool(np.allclose(*pair, atol=1e-4))
    ort, mnn = ([float(f"{value:.3f}") for value in values] for values in pair)
    print(f"{name}: onnxruntime {ort}, MNN {mnn} {'right' if same else 'WRONG'}")
    check(same == right, name)

print("MNN", version("mnn"), "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
row = np.arange(5, dtype=np.float32).reshape(1, 1, 1, 5)
grid = np.zeros((1, 1, 9, 2), np.float32)
grid[..., 0] = np.linspace(-2, 2, 9)                    # from half a width before the row to half a width behind it
answers = {}
for mode, right in (("zeros", True), ("border", True), ("reflection", False)):
    node = helper.make_node("GridSample", ["x", "grid"], ["y"], mode="bilinear", padding_mode=mode, align_corners=1)
    answers[mode] = both(node, {"x": row, "grid": grid}, {}, [1, 1, 1, 9], 16)
    show("GridSample " + mode, answers[mode], right)
check(np.allclose(answers["reflection"][1], answers["border"][1]), "reflection is no longer computed as border")

step = np.repeat(np.float32([0, 1]), 4).reshape(1, 1, 1, 8)
for coefficient, right in ((-0.75, True), (-0.5, False)):
    node = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], mode="cubic", cubic_coeff_a=coefficient)
    pair = both(node, {"x": step}, {"sizes": np.array([1, 1, 1, 16], np.int64)}, [1, 1, 1, 16], 13)
    show(f"cubic Resize of a step, a={coefficient}", tuple(values[4:12] for values in pair), right)

taps = np.float32([1, 10, 100]).reshape(1, 1, 1, 3)
ramp = np.arange(1, 9, dtype=np.float32).reshape(1, 1, 1, 8)
for auto_pad, right in (("SAME_UPPER", True), ("SAME_LOWER", False)):
    node = helper.make_node("Conv", ["x", "w"], ["y"], auto_pad=auto_pad, strides=[1, 2])
    show("Conv " + auto_pad, both(node, {"x": ramp}, {"w": taps}, [1, 1, 1, 4], 13), right)
PY
