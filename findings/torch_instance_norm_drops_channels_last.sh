#!/usr/bin/env bash
# Expected: instance_norm keeps the channels_last memory format, as conv2d, batch_norm, group_norm,
# padding, pooling and interpolate do, so that model.to(memory_format=torch.channels_last) holds
# from end to end.
#
# Instead: its output is contiguous NCHW. Each instance norm of a style network switches the layout
# back, the next convolution converts it again, and code that reads strides (or expects a view for
# NHWC output) meets the other layout. group_norm with one group a channel computes the same numbers
# and keeps the format.
#
# Seen with: torch 2.13.0 on a CPU.
#
# Source: seen by running (is_contiguous(memory_format=torch.channels_last)).
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
torch.manual_seed(0)
features = torch.rand(2, 8, 16, 16).contiguous(memory_format=torch.channels_last)
weight, bias = torch.rand(8), torch.rand(8)
results = {
    "conv2d": torch.nn.Conv2d(8, 8, 3, padding=1)(features),
    "batch_norm": F.batch_norm(features, None, None, training=True),
    "reflection pad": F.pad(features, (1, 1, 1, 1), mode="reflect"),
    "interpolate": F.interpolate(features, scale_factor=2),
    "group_norm": F.group_norm(features, 8, weight, bias),
    "instance_norm": F.instance_norm(features, weight=weight, bias=bias),
}
kept = {name: value.is_contiguous(memory_format=torch.channels_last) for name, value in results.items()}
for name, flag in kept.items():
    print(f"{name:15} channels_last kept: {flag}")
gap = (results["group_norm"] - results["instance_norm"]).abs().max().item()
print("group_norm with 8 groups differs from instance_norm by", gap)
for name, flag in kept.items():
    check(flag == (name != "instance_norm"), f"{name}: channels_last kept: {flag}")
check(gap < 1e-4, "group_norm no longer computes the same")
PY
