#!/usr/bin/env bash
# Expected: ONNX Resize with coordinate_transformation_mode="tf_crop_and_resize" cuts the region
# given as roi and scales it to the wished size: with the middle half of a picture as roi and the
# picture's own size as output, it zooms in twice.
#
# Instead: onnxruntime returns the picture unzoomed whenever the output has the size of the input,
# and one axis unzoomed when only that axis has the same size. A zoom to one pixel more or less is
# right, so tests at other sizes pass. The reference evaluator of onnx zooms at every size.
#
# Seen with: onnxruntime 1.32.0 and onnx 1.23.2, on a CPU.
#
# Source: onnxruntime core/providers/cpu/tensor/upsample.cc copies the input when all sizes are
# equal ("no_scale") and takes coordinates as they are where a scale is 1, without a look at the mode.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
picture = np.arange(9 * 9, dtype=np.float32).reshape(1, 1, 9, 9)    # rows count in nines, columns in ones
roi = np.array([0, 0, 0.25, 0.25, 1, 1, 0.75, 0.75], np.float32)     # the middle half: 20 at the corner, 60 at the other

def zoom(height, width):
    node = helper.make_node("Resize", ["x", "roi", "", "sizes"], ["y"], mode="linear",
                            coordinate_transformation_mode="tf_crop_and_resize")
    model = helper.make_model(helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(picture.shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, height, width])],
        [numpy_helper.from_array(roi, "roi"), numpy_helper.from_array(np.array([1, 1, height, width], np.int64), "sizes")]),
        opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": picture})[0][0, 0], ReferenceEvaluator(model).run(None, {"x": picture})[0][0, 0]

for height, width in ((8, 8), (10, 10), (9, 10), (9, 9)):
    ours, reference = zoom(height, width)
    print(f"middle half to {height}x{width}: corners onnxruntime {ours[0, 0]:.0f} {ours[-1, -1]:.0f}, reference {reference[0, 0]:.0f} {reference[-1, -1]:.0f}")
    check(abs(reference[0, 0] - 20) < 0.01 and abs(reference[-1, -1] - 60) < 0.01, "the reference does not zoom")
    if (height, width) == (9, 9):
        check(np.array_equal(ours, picture[0, 0]), "the same size is now cropped")
    elif height == 9:
        check(abs(ours[0, 0] - 2) < 0.01, "the axis of the same size is now cropped")
    else:
        check(np.abs(ours - reference).max() < 0.01, "other sizes are not cropped as the reference does")
PY
