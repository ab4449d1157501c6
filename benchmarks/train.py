"""Training steps: faststyle's and the reference's, on the same photos from the same weights."""

from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.measure import WARMUP, Job, Round, Variant, by_precision
from benchmarks.reference import ReferenceLoss, reference_network
from benchmarks.settings import Settings
from faststyle.core.devices import reuse_freed_memory
from faststyle.data.folder import PhotoFolder, find_photos
from faststyle.data.synthetic import DeadLeaves
from faststyle.encoder import VGGEncoder
from faststyle.images.files import load_picture
from faststyle.images.pixels import resize, to_unit
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.losses.defaults import CONTENT, STYLE, STYLE_WEIGHT
from faststyle.styles import TrainedStyle

LEARNING_RATE = 1e-3


def jobs(settings: Settings, style: TrainedStyle, _folder: Path) -> Iterator[Job]:
    """A step at each size and with each batch, from the weights of ``style``."""
    for (side, _), batch in product(settings.size, settings.batch_size):
        title = f"training step, batch of {batch}, {side} x {side}, {settings.encoder}"
        extra = {"pixels": side**2, "batch_size": batch}
        yield Job(title, variants(settings, style.network, side, batch), extra, batch)


def variants(settings: Settings, network: nn.Module, size: int, batch: int) -> list[Variant]:
    """Ours in each precision, after the reference if it is wanted; each starts from ``network``."""
    given = settings, network, size, batch
    ours = by_precision(partial(_prepare_ours, *given), settings.precisions)
    reference = Variant("reference", partial(_prepare_reference, *given))
    return [reference, *ours] if settings.against else ours


def _prepare_ours(
    settings: Settings, network: nn.Module, size: int, batch: int, precision: str
) -> Round:
    reuse_freed_memory()
    encoder = VGGEncoder(settings.encoder, settings.weights)
    loss = PerceptualLoss(encoder, CONTENT, STYLE, style_weight=STYLE_WEIGHT)
    loss.set_style([StyleImage(_style(settings, size))])
    for module in (network, loss):
        module.to(device=settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if settings.compile:
        network.compile(mode=settings.compile)
        encoder.compile(mode=settings.compile)

    def find_loss(pictures: Tensor, features: Any, targets: Any) -> Tensor:
        return loss.compare(pictures, features, targets).total

    batches = [
        each.contiguous(memory_format=torch.channels_last)
        for each in _batches(settings, size, batch)
    ]
    encode = loss.targets, loss.features
    return _steps(network, batches, encode, find_loss, settings.device, precision == "bf16")


def _prepare_reference(settings: Settings, network: nn.Module, size: int, batch: int) -> Round:
    encoder = VGGEncoder(settings.encoder, settings.weights).to(settings.device)
    style = _style(settings, size).to(settings.device)
    loss = ReferenceLoss(encoder, style)
    network = reference_network(network).to(settings.device)
    batches = _batches(settings, size, batch)
    encode = loss.encode, loss.encode
    return _steps(network, batches, encode, lambda _, *features: loss(*features), settings.device)


def _steps(
    network: nn.Module,
    batches: list[Tensor],
    encode: tuple[Callable[[Tensor], Any], Callable[[Tensor], Any]],
    find_loss: Callable[..., Tensor],
    device: str,
    is_bf16: bool = False,
) -> Round:
    """One training step a round, whose result is the losses of all so far.

    ``encode``: photos, and stylized pictures.
    """
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    autocast = partial(torch.autocast, device.partition(":")[0], torch.bfloat16, enabled=is_bf16)
    losses: list[float] = []

    def step() -> Generator[str, None, list[float]]:
        photos = to_unit(batches[len(losses) % len(batches)].to(device))
        with autocast():
            targets = encode[0](photos)
        yield "content targets"
        with autocast():
            stylized = network(photos)
        yield "transform network"
        with autocast():
            features = encode[1](stylized)
        yield "encoder"
        with autocast():
            loss = find_loss(stylized, features, targets)
        yield "Gram and terms"
        (gradient,) = torch.autograd.grad(loss, stylized)
        yield "backward, losses"
        del features, targets
        optimizer.zero_grad()
        stylized.backward(gradient)
        yield "backward, network"
        optimizer.step()
        losses.append(loss.item())
        yield "Adam"
        return list(losses)

    return step


def _style(settings: Settings, size: int) -> Tensor:
    return resize(load_picture(settings.style).pixels, size)


def _batches(settings: Settings, size: int, batch: int) -> list[Tensor]:
    """Crops of all rounds, (N, 3, S, S), of photos or of dead leaves."""
    generator = np.random.default_rng(0)
    count = (WARMUP + settings.rounds) * batch
    photos: DeadLeaves | PhotoFolder = DeadLeaves(min(count, 64), size)
    if settings.photos is not None:
        photos = PhotoFolder(find_photos(settings.photos), size)
    crops = [photos.random_crop(index % len(photos), generator) for index in range(count)]
    return [torch.stack(crops[i : i + batch]) for i in range(0, count, batch)]
