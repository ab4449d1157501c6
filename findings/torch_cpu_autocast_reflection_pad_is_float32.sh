#!/usr/bin/env bash
# Expected: under torch.autocast("cpu", bfloat16), operations that only move values about, such as
# padding, keep the bfloat16 that the convolution before them made. On CUDA they do, and constant
# padding on a CPU does, too.
#
# Instead: on a CPU reflection and replication padding are on autocast's float32 list: each padded
# feature map is float32, twice as large, and everything up to the next convolution (norm, add,
# upsampling) goes on in float32. In a network with reflection padding before each convolution, that
# is each layer. pad(mode="constant") stays bfloat16.
#
# Seen with: torch 2.13.0 on a CPU.
#
# Source: PyTorch aten/src/ATen/autocast_mode.cpp, TORCH_LIBRARY_IMPL(aten, AutocastCPU):
# reflection_pad1d, reflection_pad2d and replication_pad1d to 3d are registered with the fp32
# policy.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import torch
import torch.nn.functional as F

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("torch", torch.__version__)
conv = torch.nn.Conv2d(4, 4, 3)
with torch.autocast("cpu", dtype=torch.bfloat16):
    features = conv(torch.rand(1, 4, 16, 16))
    found = {
        "conv2d": features.dtype,
        "pad constant": F.pad(features, (1, 1, 1, 1)).dtype,
        "pad circular": F.pad(features, (1, 1, 1, 1), mode="circular").dtype,
        "pad reflect": F.pad(features, (1, 1, 1, 1), mode="reflect").dtype,
        "pad replicate": F.pad(features, (1, 1, 1, 1), mode="replicate").dtype,
        "instance_norm": F.instance_norm(features).dtype,
        "interpolate": F.interpolate(features, scale_factor=2).dtype,
    }
for label, dtype in found.items():
    print(f"{label:14} {dtype}")
for label, dtype in found.items():
    wanted = torch.float32 if label in ("pad reflect", "pad replicate") else torch.bfloat16
    check(dtype == wanted, f"{label} now gives {dtype}")
PY
