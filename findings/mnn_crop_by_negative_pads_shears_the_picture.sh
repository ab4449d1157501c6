#!/usr/bin/env bash
# Expected: a crop by negative pads (ONNX allows them since Pad 2, and torch writes F.pad with negative
# amounts so) is computed by MNN, or refused by its converter.
#
# Instead: the result has the right shape, and holds the first values of the picture as they lie in
# memory: each row begins where the last one ended, so that the picture is sheared. The converter
# exits with 0 and neither it nor MNN says anything. A Slice to the same size is right, and so are
# pads of 0 and more.
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
from importlib.metadata import version
import MNN, _tools, numpy as np, onnx, onnxruntime
from MNN import expr, nn
from onnx import TensorProto, helper, numpy_helper

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

picture = np.arange(1, 26, dtype=np.float32).reshape(1, 1, 5, 5)

def both(node, constants):
    """The 5 x 5 picture through one node, by onnxruntime and by MNN."""
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 5, 5])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, "h", "w"])
    weights = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()]
    graph = helper.make_graph([node], "g", [given], [made], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, "model.onnx")
    # The converter itself; the command mnnconvert installs a package besides.
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", "model.onnx", "--MNNModel", "model.mnn", "--bizCode", "x"])
    right = onnxruntime.InferenceSession("model.onnx").run(None, {"x": picture})[0]
    placeholder = expr.placeholder([1, 1, 5, 5], expr.NCHW, expr.float)
    placeholder.write(picture)
    answer = nn.load_module_from_file("model.mnn", ["x"], ["y"]).forward([placeholder])
    answer = answer[0] if isinstance(answer, (list, tuple)) else answer
    if answer.data_format == expr.NC4HW4:
        answer = expr.convert(answer, expr.NCHW)
    return right, np.array(answer.read()).reshape(answer.shape)

padded = both(helper.make_node("Pad", ["x", "p"], ["y"]), {"p": [0, 0, 0, 0, 0, 0, 1, 1]})
sliced = both(helper.make_node("Slice", ["x", "start", "end", "axes"], ["y"]), {"start": [0, 0], "end": [4, 4], "axes": [2, 3]})
cropped = both(helper.make_node("Pad", ["x", "p"], ["y"]), {"p": [0, 0, 0, 0, 0, 0, -1, -1]})
print("MNN", version("mnn"), "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
for name, (right, mnn) in (("Pad by 1, 1", padded), ("Slice to 4 x 4", sliced), ("Pad by -1, -1", cropped)):
    print(f"{name}: onnxruntime {right[0, 0].astype(int).tolist()}\n{'':{len(name)}}  MNN         {mnn[0, 0].astype(int).tolist()}")
check(np.array_equal(*padded) and np.array_equal(*sliced), "Pad by 1 or Slice is no longer right")
check(cropped[0].shape == cropped[1].shape, "the shape of the crop is no longer right")
check(not np.array_equal(*cropped), "the crop is now right")
check(np.array_equal(cropped[1].ravel(), picture.ravel()[:16]), "the crop is no longer the first values in memory")
PY
