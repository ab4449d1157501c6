#!/usr/bin/env bash
# Expected: OpenVINO runs ONNX Resize with antialias=1 (opset 18 and later, as torch.onnx writes
# F.interpolate(antialias=True)) as onnxruntime does, or refuses the model.
#
# Instead: it reads the attribute, says nothing, and resizes without antialiasing: noise made
# smaller stays as strong as with antialias=0. The same torch module given to
# openvino.convert_model() directly is antialiased.
#
# Seen with: onnx 1.23.2, onnxruntime 1.32.0, openvino 2026.4.1, on an x86-64 CPU.
#
# Source: openvino src/frontends/onnx/frontend/src/op/resize.cpp sets attrs.antialias, yet maps
# "linear" and "cubic" to the modes linear_onnx and cubic; the Interpolate-11 page of the
# documentation promises antialiasing for all modes but the *_pillow ones (which have their own).
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
noise = np.random.default_rng(0).random((1, 1, 64, 64), dtype=np.float32)
constants = [("roi", np.zeros(0, np.float32)), ("scales", np.zeros(0, np.float32)),
             ("sizes", np.array([1, 1, 16, 16], np.int64))]
for mode in ("linear", "cubic"):
    results = {}
    for antialias in (0, 1):
        node = helper.make_node("Resize", ["x", "roi", "scales", "sizes"], ["y"], mode=mode, antialias=antialias,
                                coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.5)
        results[antialias] = both(node, noise, TensorProto.FLOAT, TensorProto.FLOAT, constants, [1, 1, 16, 16])
        spread = [f"{name} {result.std():.3f}" for name, result in zip(("onnxruntime", "OpenVINO"), results[antialias])]
        print(f"{mode}, antialias={antialias}: standard deviation of noise made 4 times smaller:", ", ".join(spread))
    plain, smooth = results[0], results[1]
    check(np.abs(plain[0] - plain[1]).max() < 1e-4, mode + ": the two differ even without antialias")
    check(smooth[0].std() < 0.7 * plain[0].std(), mode + ": onnxruntime no longer antialiases")
    check(np.abs(smooth[1] - plain[1]).max() < 1e-4, mode + ": OpenVINO now heeds antialias")
PY
