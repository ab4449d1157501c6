#!/usr/bin/env bash
# Expected: a model for 4 x 4 pictures, to which it adds a constant of 4 x 4, refuses a picture of
# another size, as OpenCV 4.14 and onnxruntime do: neither the shape that the input declares nor
# the two operands of Add fit.
#
# Instead: OpenCV 5 looks at no declared shape, and cuts both operands of Add (Mul, Sub ...) to the
# smaller size of each dimension. It gives a picture of that size, with a warning in its log at most.
# A photo that is larger than the model's loses its right and lower part in silence.
#
# Seen with: opencv-python-headless 5.0.0.93 and 4.14.0.94, onnx 1.23.2, onnxruntime 1.32.0.
#
# Source: its log says "NaryEltwiseLayer: Shape mismatch detected ... Clamping" (nary_eltwise_layers.cpp,
# findCommonShape).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 4.14.0.94 5.0.0.93; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -q --no-compile --disable-pip-version-check opencv-python-headless==$version onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
done
cat > "$work/add.py" <<'PY'
import cv2, numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

constant = np.full((1, 1, 4, 4), 100, np.float32)
values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 4, 4]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Add", ["x", "c"], ["y"])], "g", values[:1], values[1:], [numpy_helper.from_array(constant, "c")])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, "model.onnx")
session, net = onnxruntime.InferenceSession("model.onnx"), cv2.dnn.readNetFromONNX("model.onnx")

def shape_of(run):
    try:
        return run().shape[2:]
    except Exception as error:
        return "refused"

print("OpenCV", cv2.__version__, "onnxruntime", onnxruntime.__version__)
newer = int(cv2.__version__.split(".")[0]) >= 5
for height, width in ((4, 4), (6, 5), (2, 3)):
    picture = np.zeros((1, 1, height, width), np.float32)
    def by_opencv():
        net.setInput(picture)
        return net.forward()
    right = shape_of(lambda: session.run(None, {"x": picture})[0])
    found = shape_of(by_opencv)
    print(f"picture of {height} x {width}: onnxruntime {right}, OpenCV {found}")
    fits = (height, width) == (4, 4)
    check(right == ((4, 4) if fits else "refused"), "onnxruntime no longer refuses")
    cut = (min(height, 4), min(width, 4))
    check(found == (cut if newer or fits else "refused"), "OpenCV no longer answers so")
PY
cd "$work"
for version in 4.14.0.94 5.0.0.93; do
    OPENCV_LOG_LEVEL=SILENT "$work/$version/bin/python" -W ignore add.py 2> /dev/null
done
