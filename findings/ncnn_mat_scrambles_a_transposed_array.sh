#!/usr/bin/env bash
# Expected: ncnn.Mat(image.transpose(2, 0, 1)), the usual step from height x width x channel to
# channel x height x width, either heeds numpy's strides, as onnxruntime, OpenVINO and MNN do, or
# refuses a view.
#
# Instead: it takes the memory as it lies under the new shape: the channels are scrambled over the
# picture, with no error. The shape is right, the network runs, and the result is noise.
# np.ascontiguousarray() first (and a reference to it kept alive, since Mat shares its memory) is
# right.
#
# Seen with: ncnn 1.0.20261020, numpy 2.4.6.
#
# Source: ncnn python/src/main.cpp, the py::init that takes a py::buffer: it uses info.ptr and
# info.shape, and never info.strides.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check ncnn==1.0.20261020 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version
import ncnn, numpy as np

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("ncnn", version("ncnn"))
image = np.arange(24, dtype=np.float32).reshape(2, 4, 3)          # height x width x channel
planes = image.transpose(2, 0, 1)                                  # a view
kept = np.ascontiguousarray(planes)
from_view, from_copy = np.array(ncnn.Mat(planes)), np.array(ncnn.Mat(kept))
print("wanted, channel 0:        ", planes[0].tolist())
print("Mat of the view:          ", from_view[0].tolist())
print("Mat of a contiguous copy: ", from_copy[0].tolist())
check(from_view.shape == planes.shape, "the shape is no longer that of the view")
check(np.array_equal(from_copy, planes), "a contiguous array is no longer read right")
check(np.array_equal(from_view.ravel(), image.ravel()), "a transposed view is no longer taken as it lies in memory")
check(not np.array_equal(from_view, planes), "a transposed view is now read right")
PY
