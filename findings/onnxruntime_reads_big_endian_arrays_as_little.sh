#!/usr/bin/env bash
# Expected: a numpy array of big-endian numbers (dtype ">f4", what tifffile.memmap gives for a
# big-endian TIFF, and what readers of FITS, PFM, IDX or NIfTI give) is converted by
# InferenceSession.run, as numpy converts it in every operation, or refused, as torch.from_numpy does.
#
# Instead: onnxruntime takes the bytes as little-endian: 1.0 becomes 4.6e-41, so a picture becomes
# nearly all zeros with a few numbers of 1e38, and no error tells. The check of the input's type
# passes, since ">f4" counts as float; a float64 array is refused. OrtValue.ortvalue_from_numpy does
# the same, and so do openvino.Tensor(array) and tract. OpenVINO's compiled([array]) converts.
#
# Seen with: onnxruntime 1.32.0, openvino 2026.4.1, tract 0.23.9, tifffile 2026.3.3, numpy 2.4.6.
#
# Source: seen by running, on a little-endian machine.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 tract==0.23.9 tifffile==2026.3.3 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, onnx, onnxruntime, openvino, tifffile, tract
from importlib.metadata import version
from onnx import TensorProto, helper

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print(", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "openvino", "tract", "tifffile", "numpy")))
tifffile.imwrite("depth.tif", np.array([[1, 2, 0.5]], np.float32), byteorder=">")
picture = tifffile.memmap("depth.tif")
value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3])
model = helper.make_model(helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [value("x")], [value("y")]),
                          opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
onnx.checker.check_model(model)
onnx.save(model, "model.onnx")
session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
compiled = openvino.Core().compile_model("model.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
request = compiled.create_infer_request()
request.infer([openvino.Tensor(picture)])
got = {
    "numpy": -picture,
    "onnxruntime run": session.run(None, {"x": picture})[0],
    "onnxruntime OrtValue": -onnxruntime.OrtValue.ortvalue_from_numpy(picture).numpy(),
    "openvino compiled": compiled([picture])[0],
    "openvino Tensor": request.get_output_tensor(0).data,
    "tract": tract.onnx().load("model.onnx").into_model().into_runnable().run([picture])[0].to_numpy(),
}
print("picture", picture.dtype.str, picture[0].tolist())
right = {}
for name, result in got.items():
    right[name] = bool(np.allclose(result, [[-1, -2, -0.5]]))
    print(f"{name:21} minus the picture: {[float(f'{x:.3g}') for x in result[0]]} {'right' if right[name] else 'WRONG'}")
for name, expected in (("numpy", True), ("openvino compiled", True), ("onnxruntime run", False), ("onnxruntime OrtValue", False),
                       ("openvino Tensor", False), ("tract", False)):
    check(right[name] == expected, name + " now reads the array otherwise")
try:
    session.run(None, {"x": picture.astype(np.float64)})
    check(False, "float64 is accepted, too")
except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument:
    print("onnxruntime refuses the same picture in float64")
PY
