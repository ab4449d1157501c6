#!/usr/bin/env bash
# Expected: safetensors.numpy.save_file either stores the values of a Fortran-ordered (transposed)
# array, as numpy.save does, or refuses it, as safetensors.torch.save_file does with a transposed
# tensor.
#
# Instead: it writes the bytes in memory order under the logical shape. Nothing is raised, the file
# is valid, and every reader gets scrambled weights. safetensors 0.7.0 still stored the right
# values.
#
# Seen with: safetensors 0.8.0, numpy 2.4.6.
#
# Source: safetensors/numpy.py of 0.8.0, _flatten() (passes tensor.ctypes.data and the shape, no
# look at the strides); github.com/safetensors/safetensors issue 825.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, safetensors
from safetensors.numpy import load_file, save_file

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("safetensors", safetensors.__version__)
kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
turned = kernel.T                       # a 3 x 2 view, dense but in Fortran order
save_file({"kernel": turned}, "style.safetensors")
back = load_file("style.safetensors")["kernel"]
print("saved \n", turned)
print("loaded\n", back)
check(back.shape == turned.shape, "the shape of the loaded array differs")
check(not np.array_equal(back, turned), "a Fortran-ordered array is now stored right")
check(np.array_equal(back.ravel(), kernel.ravel()), "the bytes are no longer those in memory order")
save_file({"kernel": np.ascontiguousarray(turned)}, "style.safetensors")
check(np.array_equal(load_file("style.safetensors")["kernel"], turned), "a contiguous copy is not stored right")
print("np.ascontiguousarray() before saving gives the right file")
PY
