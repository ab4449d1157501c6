"""One iteration of optimizing a picture, beside the encoder's forward and backward pass alone."""

from argparse import Namespace
from collections.abc import Generator
from functools import partial

import torch
from torch import Tensor

from benchmarks.compare import Round, Variant
from faststyle.core.devices import reuse_freed_memory
from faststyle.encoder import VGGEncoder
from faststyle.images.files import load_picture
from faststyle.images.pixels import resample, resize
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.optimization.optimizers import LBFGS, Objective

_CONTENT = {"relu4_2": 1.0}
_STYLE = {f"relu{block}_1": 1.0 for block in range(1, 6)}
_DEEPEST = "relu5_1"


def variants(args: Namespace, size: tuple[int, int]) -> list[Variant]:
    """An iteration of L-BFGS, after the bare passes if the reference is wanted."""
    ours = Variant("L-BFGS iteration", partial(_prepare_ours, args, size))
    bare = Variant("bare passes", partial(_prepare_bare, args, size))
    return [bare, ours] if args.against else [ours]


def _prepare_ours(args: Namespace, size: tuple[int, int]) -> Round:
    encoder, photo = _prepare(args, size)
    loss = PerceptualLoss(encoder, _CONTENT, _STYLE)
    style = resize(load_picture(args.style).pixels, min(size)).to(args.device)
    loss.set_style([StyleImage(style)])
    objective = Objective(loss, photo)
    optimizer = LBFGS(photo.clone())

    def iterate() -> Generator[str, None, float]:
        optimizer.minimize(objective, 1, lambda: None)
        yield "iteration"
        return objective.best_loss

    return iterate


def _prepare_bare(args: Namespace, size: tuple[int, int]) -> Round:
    encoder, photo = _prepare(args, size)
    photo.requires_grad_()

    def passes() -> Generator[str, None, None]:
        features = encoder(photo, [_DEEPEST])[_DEEPEST]
        features.backward(features.detach())
        yield "passes"

    return passes


def _prepare(args: Namespace, size: tuple[int, int]) -> tuple[VGGEncoder, Tensor]:
    reuse_freed_memory()
    encoder = VGGEncoder(args.encoder, args.weights).to(args.device)
    photo = resample(load_picture(args.photo).pixels, size)[None]
    return encoder.to(memory_format=torch.channels_last), photo.to(args.device)
