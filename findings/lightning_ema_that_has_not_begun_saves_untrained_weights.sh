#!/usr/bin/env bash
# Expected: EMAWeightAveraging(update_starting_at_step=N) of pytorch-lightning averages from step N
# on. Before that, and in a run that ends before it, there is no average, so the weights in training
# are validated, saved and kept.
#
# Instead: until step N the average is a copy of the initial weights, and it is that copy that is
# validated, written as the checkpoint's state_dict, and put into the model when fit() ends. A trial
# run shorter than N steps leaves an untrained model behind, and its validation loss never moves.
# The trained weights are in the checkpoint's current_model_state only.
#
# Seen with: pytorch-lightning 2.6.6, torch 2.13.0.
#
# Source: pytorch_lightning/callbacks/weight_averaging.py: _swap_models, _copy_average_to_current
# and on_save_checkpoint ask only whether there is an AveragedModel, which setup() made, and not
# whether it was updated.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 pytorch-lightning==2.6.6 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import logging
import torch
import pytorch_lightning as pl
from pytorch_lightning.callbacks import EMAWeightAveraging, ModelCheckpoint
from torch.utils.data import DataLoader

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
print("pytorch-lightning", pl.__version__, "torch", torch.__version__)

class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.validated = []
    def training_step(self, batch, index):
        return self.weight.sum()                 # each step of SGD takes 1 off the weight
    def validation_step(self, batch, index):
        self.validated.append(self.weight.item())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)

def fit(start):
    model, data = Model(), DataLoader(torch.zeros(8, 1))
    saver = ModelCheckpoint(dirpath=f"from_{start}", save_top_k=1)
    trainer = pl.Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_progress_bar=False,
                         enable_model_summary=False, num_sanity_val_steps=0, limit_val_batches=1,
                         callbacks=[EMAWeightAveraging(decay=0.5, update_starting_at_step=start), saver])
    trainer.fit(model, data, data)
    saved = torch.load(saver.best_model_path, weights_only=False)
    found = {"validated": model.validated, "checkpoint": saved["state_dict"]["weight"].item(),
             "after fit": model.weight.item(), "trained": saved["current_model_state"]["weight"].item()}
    print(f"update_starting_at_step={start}, {trainer.global_step} steps:", found)
    return found

early, late = fit(0), fit(100)
check(early["trained"] == late["trained"] == -16, "16 steps no longer take the weight to -16")
check(early["after fit"] < -14, "the average that starts at once is no longer near the trained weight")
check(late["validated"] == [0, 0], f"validated with {late['validated']}")
check(late["checkpoint"] == 0 and late["after fit"] == 0, f"checkpoint {late['checkpoint']}, after fit {late['after fit']}")
PY
