#!/usr/bin/env bash
# Expected: the mean absolute error of two uint8 pictures is that of their values.
# mean_squared_error and peak_signal_noise_ratio of the same package take uint8 and are right.
#
# Instead: mean_absolute_error subtracts in uint8, where 10 - 12 is 254: the error is far too great,
# and not symmetric. MeanAbsoluteError and total_variation do the same. Nothing is raised or warned
# of.
#
# Seen with: torchmetrics 1.9.0, torch 2.13.0.
#
# Source: torchmetrics/functional/regression/mae.py, _mean_absolute_error_update(): "preds if
# preds.is_floating_point else preds.float()" lacks the call's parentheses, so the method is always
# true and the conversion never happens.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import torch, torchmetrics
from torchmetrics.functional import mean_absolute_error, mean_squared_error
from torchmetrics.functional.image import peak_signal_noise_ratio, total_variation

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("torchmetrics", torchmetrics.__version__, "torch", torch.__version__)
a = torch.tensor([[[[10, 200], [0, 255]]]], dtype=torch.uint8)
b = torch.tensor([[[[12, 190], [3, 250]]]], dtype=torch.uint8)
measures = {
    "mean_absolute_error": lambda x, y: mean_absolute_error(x.flatten(), y.flatten()),
    "MeanAbsoluteError": lambda x, y: torchmetrics.MeanAbsoluteError()(x.flatten(), y.flatten()),
    "total_variation of the first": lambda x, y: total_variation(x),
    "mean_squared_error": lambda x, y: mean_squared_error(x.flatten(), y.flatten()),
    "peak_signal_noise_ratio": lambda x, y: peak_signal_noise_ratio(x, y, data_range=255.0),
}
for name, measure in measures.items():
    whole, real = float(measure(a, b)), float(measure(a.float(), b.float()))
    print(f"{name}: uint8 {whole:.4f}, float32 {real:.4f}")
    wraps = name in ("mean_absolute_error", "MeanAbsoluteError", "total_variation of the first")
    check((abs(whole - real) > 1e-3) == wraps, f"{name}: uint8 {whole}, float32 {real}")
PY
