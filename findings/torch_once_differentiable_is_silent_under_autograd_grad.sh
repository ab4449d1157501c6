#!/usr/bin/env bash
# Expected: a function whose backward is @once_differentiable raises when it is differentiated twice,
# as the decorator's text and its error ("trying to differentiate twice a function that was marked
# with @once_differentiable") say. So a gradient penalty fails loudly, or is right.
#
# Instead: only backward() raises. torch.autograd.grad(g, x) drops the function's part of the second
# derivative without a word, and returns that of the other terms alone.
#
# Why: the node that raises hangs on detached tensors, so that no path leads through it to x, and
# autograd.grad executes only what lies on such a path.
#
# Seen with: torch 2.13.0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.autograd.function import once_differentiable

class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * grad

def first(x):  # of x^6 + x^2
    value = Cube.apply(x).square().sum() + x.square().sum()
    return torch.autograd.grad(value, x, create_graph=True)[0]

x = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
found = first(x)
second = torch.autograd.grad(found.sum(), x)[0].item()
try:
    first(x).sum().backward()
    raised = ""
except RuntimeError as error:
    raised = str(error)
print("torch", torch.__version__)
print("first derivative of x^6 + x^2 at 2:", found.item(), "(196)")
print("second by autograd.grad:", second, "(482)")
print("second by backward():", raised or "no error")
if (found.item(), second) != (196.0, 2.0) or "once_differentiable" not in raised:
    raise SystemExit("CHANGED: autograd.grad no longer drops it, or backward() no longer raises")
PY
