#!/usr/bin/env bash
# Expected: trainer.fit(ckpt_path=...) from a checkpoint saved after batch 4 of 10 goes on with
# batch 4's successor: batch_idx continues at 4, so the data does, too (or the epoch starts anew).
#
# Instead: batch_idx continues at 4, while a plain DataLoader starts again at its first item. The
# interrupted epoch ends after six more batches, which are the first six: the last four pictures of
# the order are not seen in that epoch, and the first four are seen twice. Lightning warns that the
# loader "is not resumable" and "can cause unreliable results", not that data is left out. With many
# short jobs (preemption) the end of the order is hardly ever seen.
#
# Seen with: pytorch-lightning 2.6.6, torch 2.13.0.
#
# Source: pytorch_lightning/loops/training_epoch_loop.py, reset(): batch_progress is restored, and
# loaders without state_dict() lead to that warning alone.
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
from torch.utils.data import DataLoader

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
print("pytorch-lightning", pl.__version__, "torch", torch.__version__)

class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight, self.seen = torch.nn.Parameter(torch.zeros(1)), []
    def training_step(self, batch, index):
        self.seen.append((index, int(batch)))
        return self.weight.sum()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

class SaveInside(pl.Callback):
    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        if index == 3:
            trainer.save_checkpoint("inside.ckpt")

def fit(callbacks, checkpoint=None):
    model = Model()
    pl.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False,
               enable_model_summary=False, callbacks=callbacks).fit(
        model, DataLoader(torch.arange(10)), ckpt_path=checkpoint, weights_only=False if checkpoint else None)
    return model.seen

print("(batch_idx, item) of the whole epoch:", fit([SaveInside()]))
resumed = fit([], "inside.ckpt")
print("resumed after batch 3:               ", resumed)
items = [item for _, item in resumed]
check([index for index, _ in resumed] == [4, 5, 6, 7, 8, 9], "batch_idx no longer continues at 4")
check(items == [0, 1, 2, 3, 4, 5], f"the resumed epoch now gives {items}")
PY
