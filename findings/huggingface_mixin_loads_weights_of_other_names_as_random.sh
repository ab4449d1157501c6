#!/usr/bin/env bash
# Expected: MyNet.from_pretrained(folder) of PyTorchModelHubMixin fails, or warns, when the file
# holds no weight of the names that the network has, as load_state_dict does: after a layer was
# renamed, or with a compiled or wrapped network's prefix, or with the file of another network.
#
# Instead: weights that are missing stay as they were drawn at random, those left over are dropped,
# and the network is returned in eval mode without a word. Each load gives other weights, so the
# pictures change from run to run. from_pretrained(folder, strict=True) raises. Weights of the right
# name and another shape do raise.
#
# Seen with: huggingface_hub 2.4.0, safetensors 0.8.0, torch 2.13.0.
#
# Source: huggingface_hub/hub_mixin.py: _from_pretrained has strict=False and gives it to
# safetensors.torch.load_model, whose lists of missing and unexpected names it does not use.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check huggingface_hub==2.4.0 safetensors==0.8.0 torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import contextlib, io, warnings
import huggingface_hub, torch
from huggingface_hub import PyTorchModelHubMixin
from importlib.metadata import version

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

class Before(torch.nn.Module, PyTorchModelHubMixin):
    def __init__(self, width: int = 3):
        super().__init__()
        self.body = torch.nn.Conv2d(3, width, 1)

class After(torch.nn.Module, PyTorchModelHubMixin):
    def __init__(self, width: int = 3):
        super().__init__()
        self.trunk = torch.nn.Conv2d(3, width, 1)           # the same layer by another name

print("huggingface_hub", huggingface_hub.__version__, "safetensors", version("safetensors"), "torch", torch.__version__)
saved = Before()
saved.save_pretrained("published")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        same = Before.from_pretrained("published")
        one, other = After.from_pretrained("published"), After.from_pretrained("published")
first = lambda net: next(net.parameters()).detach().flatten()[:3]
print("saved          ", first(saved).tolist())
print("same names     ", first(same).tolist())
print("other name     ", first(one).tolist(), "training" if one.training else "eval")
print("and once more  ", first(other).tolist())
print("warnings:", len(caught), "said:", sorted(set(said.getvalue().split("\n")) - {""}))
check(torch.equal(first(same), first(saved)), "the same names are not loaded")
check(not torch.equal(first(one), first(saved)) and not torch.equal(first(one), first(other)), "the weights are no longer random")
check(not caught and "trunk" not in said.getvalue() and "missing" not in said.getvalue().lower(), "it now warns")
try:
    After.from_pretrained("published", strict=True)
    check(False, "strict=True accepts it, too")
except RuntimeError as error:
    print("strict=True raises:", str(error).split("\n")[0])
PY
