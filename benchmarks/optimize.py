"""One iteration of optimizing a picture, beside the encoder's forward and backward pass alone."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from benchmarks.measure import Job, Round, Variant, single_stage
from benchmarks.settings import Settings, Size
from faststyle.core.devices import reuse_freed_memory
from faststyle.encoder import VGGEncoder
from faststyle.images.files import load_picture
from faststyle.images.pixels import resample, resize
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.optimization.optimizers import LBFGS, Objective

_STYLE = {f"relu{block}_1": 1.0 for block in range(1, 6)}


def jobs(settings: Settings, _style: object, _folder: object) -> Iterator[Job]:
    """An iteration of L-BFGS at each size, after the bare passes if the reference is wanted."""
    names = ("bare passes", "L-BFGS iteration") if settings.against else ("L-BFGS iteration",)
    for height, width in settings.size:
        given = [Variant(n, partial(_prepare, settings, (height, width), n)) for n in names]
        yield Job(f"optimizing {width} x {height}", given, {"pixels": height * width})


def _prepare(settings: Settings, size: Size, name: str) -> Round:
    reuse_freed_memory()
    encoder = VGGEncoder(settings.encoder, settings.weights).to(settings.device)
    encoder.to(memory_format=torch.channels_last)
    photo = resample(load_picture(settings.photo).pixels, size)[None].to(settings.device)
    if name == "bare passes":
        photo.requires_grad_()
        return single_stage("passes", partial(_pass, encoder, photo))
    loss = PerceptualLoss(encoder, {"relu4_2": 1.0}, _STYLE)
    style = resize(load_picture(settings.style).pixels, min(size)).to(settings.device)
    loss.set_style([StyleImage(style)])
    objective, optimizer = Objective(loss, photo), LBFGS(photo.clone())
    step = partial(optimizer.minimize, objective, 1, lambda: None)
    return single_stage("iteration", step)


def _pass(encoder: VGGEncoder, photo: Tensor) -> None:
    features = encoder(photo, ["relu5_1"])["relu5_1"]
    features.backward(features.detach())
