#!/usr/bin/env bash
# Expected: antialias=True of F.interpolate only matters when a picture gets smaller, so enlarging
# gives the same with and without, as mode="bilinear" does.
#
# Instead: for mode="bicubic" the flag also changes the kernel: a = -0.75 without, a = -0.5 with it.
# Enlarging then differs by some percent of the range. With antialias=True the result is Pillow's
# BICUBIC, without it not: a model trained behind one resize and run behind the other sees other
# pictures.
#
# Seen with: torch 2.13.0 on a CPU, Pillow 13.0.0.
#
# Source: seen by running; torch.onnx writes the two as Resize with cubic_coeff_a -0.5 and -0.75.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 pillow==13.0.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, torch
import torch.nn.functional as F
from PIL import Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("torch", torch.__version__)
torch.manual_seed(0)
small = torch.rand(1, 1, 16, 16)

def enlarge(mode, antialias):
    return F.interpolate(small, size=(32, 32), mode=mode, antialias=antialias)

gap = {mode: (enlarge(mode, True) - enlarge(mode, False)).abs().max().item() for mode in ("bilinear", "bicubic")}
pillow = np.asarray(Image.fromarray(small[0, 0].numpy()).resize((32, 32), Image.Resampling.BICUBIC))
to_pillow = {flag: float(np.abs(enlarge("bicubic", flag)[0, 0].numpy() - pillow).max()) for flag in (True, False)}
print("enlarging 16 -> 32, greatest difference between antialias=True and False:", gap)
print("greatest difference from Pillow's BICUBIC, by antialias:", to_pillow)
check(gap["bilinear"] < 1e-5, "bilinear enlarging now depends on antialias")
check(gap["bicubic"] > 0.02, "bicubic enlarging no longer depends on antialias")
check(to_pillow[True] < 1e-5 < to_pillow[False], "it is no longer antialias=True that equals Pillow")
PY
