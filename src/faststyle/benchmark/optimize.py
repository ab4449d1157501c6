"""One iteration of optimizing a picture, beside the encoder's forward and backward pass alone."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from faststyle.benchmark.compare import Stages, Variant
from faststyle.core.devices import reuse_freed_memory
from faststyle.encoder import VGGEncoder
from faststyle.images.files import load_picture
from faststyle.images.pixels import resample, resize
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.optimization.objective import Objective
from faststyle.optimization.optimizers import LBFGS

CONTENT = {"relu4_2": 1.0}
STYLE = {f"relu{block}_1": 1.0 for block in range(1, 6)}
_DEEPEST = "relu5_1"


@dataclass(frozen=True)
class OptimizeTask:
    """Which picture, in which style, at which size, against which encoder."""

    photo: Path
    style: Path
    size: tuple[int, int] = (256, 256)
    arch: str = "vgg19"
    weights: str = "random"
    device: str = "cpu"


def variants(task: OptimizeTask, reference: bool) -> list[Variant]:
    """An iteration of L-BFGS, after the bare passes if asked for."""
    ours = Variant("L-BFGS iteration", partial(_prepare_ours, task))
    return [Variant("bare passes", partial(_prepare_bare, task)), ours] if reference else [ours]


def _prepare_ours(task: OptimizeTask) -> Stages:
    encoder, photo = _prepare(task)
    loss = PerceptualLoss(encoder, CONTENT, STYLE)
    style = resize(load_picture(task.style).pixels, min(task.size)).to(task.device)
    loss.set_style([StyleImage(style)])
    objective = Objective(loss, photo)
    optimizer = LBFGS(photo.clone())

    def iterate() -> float:
        optimizer.minimize(objective, 1, lambda: None)
        return objective.best_loss

    return [("iteration", iterate)]


def _prepare_bare(task: OptimizeTask) -> Stages:
    encoder, photo = _prepare(task)
    photo.requires_grad_()

    def passes() -> None:
        features = encoder(photo, [_DEEPEST])[_DEEPEST]
        features.backward(features.detach())

    return [("passes", passes)]


def _prepare(task: OptimizeTask) -> tuple[VGGEncoder, Tensor]:
    reuse_freed_memory()
    encoder = VGGEncoder(task.arch, task.weights).to(task.device)
    photo = resample(load_picture(task.photo).pixels, task.size)[None]
    return encoder.to(memory_format=torch.channels_last), photo.to(task.device)
