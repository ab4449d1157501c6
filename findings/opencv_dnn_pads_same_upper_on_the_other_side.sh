#!/usr/bin/env bash
# Expected: auto_pad="SAME_UPPER" of ONNX Conv and pooling, which models that came from
# TensorFlow have, puts an odd pixel of padding at the end (right, bottom) in cv2.dnn, as in
# onnxruntime and OpenVINO; SAME_LOWER puts it at the start.
#
# Instead: cv2.dnn puts it at the start in both cases. A 3x3 layer of stride 2 over an even size
# looks one pixel to the left and above of where it should: other numbers everywhere, of the right
# shape and without a warning, in each of its engines. Odd sizes and stride 1 with odd kernels need
# no odd pixel, so models tested there are right.
#
# Seen with: opencv-python-headless 5.0.0.93, onnxruntime 1.32.0, onnx 1.23.2.
#
# Source: seen by running.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import cv2, numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("OpenCV", cv2.__version__, "onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
taps = np.zeros((1, 1, 3, 3), np.float32)
taps[0, 0, 1] = 1, 10, 100                              # the middle row reads three neighbours as three digits

def both(operator, auto_pad, width):
    row = np.zeros((1, 1, 3, width), np.float32)
    row[0, 0, 1] = np.arange(1, width + 1)
    node = helper.make_node(operator, ["x", "w"] if operator == "Conv" else ["x"], ["y"], auto_pad=auto_pad, strides=[1, 2], kernel_shape=[3, 3])
    shape = [1, 1, 3, (width + 1) // 2]
    model = helper.make_model(helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(row.shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(taps, "w")] if operator == "Conv" else []),
        opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    blob = model.SerializeToString()
    ort = onnxruntime.InferenceSession(blob, providers=["CPUExecutionProvider"]).run(None, {"x": row})[0]
    results = []
    for engine in (cv2.dnn.ENGINE_CLASSIC, cv2.dnn.ENGINE_NEW, cv2.dnn.ENGINE_AUTO):
        net = cv2.dnn.readNetFromONNX(np.frombuffer(blob, np.uint8), engine)
        net.setInput(row, "x")
        results.append(net.forward()[0, 0, 1])
    check(all(np.array_equal(result, results[0]) for result in results), "the engines differ")
    return ort[0, 0, 1], results[0]

for operator in ("Conv", "MaxPool"):
    found = {}
    for width in (8, 7):
        for auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            ort, dnn = both(operator, auto_pad, width)
            found[width, auto_pad] = ort, dnn
            print(f"{operator} {auto_pad}, width {width}: onnxruntime {ort.astype(int).tolist()}, OpenCV {dnn.astype(int).tolist()} {'right' if np.array_equal(ort, dnn) else 'WRONG'}")
            check(np.array_equal(ort, dnn) == ((width, auto_pad) != (8, "SAME_UPPER")), f"{operator} {auto_pad} {width}")
    check(np.array_equal(found[8, "SAME_UPPER"][1], found[8, "SAME_LOWER"][1]), "the two sides are told apart")
PY
