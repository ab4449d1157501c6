#!/usr/bin/env bash
# Expected: torch.onnx.export exports for inference, whatever mode the model is in: its signature
# still says training=TrainingMode.EVAL, and the TorchScript exporter (dynamo=False) does so.
#
# Instead: the exporter that is the default by now (dynamo=True) exports the mode that it finds, and
# says nothing. A model exported out of a training loop without .eval() keeps its Dropout: the ONNX
# model answers something else at each run.
#
# Seen with: torch 2.13.0, onnxscript 0.7.2, onnxruntime 1.32.0.
#
# Source: torch/onnx/__init__.py, export(): "training: Deprecated option. Instead, set the training
# mode of the model before exporting."
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import contextlib, io
import numpy as np, onnx, onnxruntime, torch

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("torch", torch.__version__, "onnxruntime", onnxruntime.__version__)
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Dropout(0.5))     # in training mode, as made
picture = torch.rand(1, 3, 16, 16)
steady = {}
for dynamo in (True, False):
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(model, (picture,), f"dynamo_{dynamo}.onnx", dynamo=dynamo)
    graph = onnx.load(f"dynamo_{dynamo}.onnx").graph
    session = onnxruntime.InferenceSession(f"dynamo_{dynamo}.onnx", providers=["CPUExecutionProvider"])
    first, second = (session.run(None, {graph.input[0].name: picture.numpy()})[0] for _ in range(2))
    steady[dynamo] = np.array_equal(first, second)
    print(f"dynamo={dynamo}: nodes {[node.op_type for node in graph.node]}, two runs agree: {steady[dynamo]}, "
          f"share of zeros {(first == 0).mean():.2f}")
check(model.training, "export left the model in evaluation mode")
check(not steady[True], "the default exporter now exports for inference")
check(steady[False], "the TorchScript exporter no longer exports for inference")
PY
