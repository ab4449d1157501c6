"""Training steps: faststyle's and the reference's, on the same photos from the same weights."""

from argparse import Namespace
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.compare import WARMUP, Round, Variant, by_precision
from benchmarks.reference import ReferenceLoss, ReferenceNetwork
from faststyle.core.devices import reuse_freed_memory
from faststyle.data.folder import PhotoFolder, find_photos
from faststyle.data.synthetic import DeadLeaves
from faststyle.encoder import VGGEncoder
from faststyle.images.files import load_picture
from faststyle.images.pixels import resize, to_unit
from faststyle.losses import PerceptualLoss, StyleImage, Targets
from faststyle.losses.defaults import CONTENT, STYLE, STYLE_WEIGHT
from faststyle.networks import TransformNetwork

LEARNING_RATE = 1e-3


def variants(args: Namespace, network: Mapping[str, Any], size: int, batch: int) -> list[Variant]:
    """Ours in each precision, after the reference if it is wanted.

    Args:
        args: of the command line.
        network: ``width``, ``blocks`` and ``noise``.
        size: side of the crops.
        batch: how many of them a step sees.
    """
    ours = by_precision(partial(_prepare_ours, args, network, size, batch), args.precision)
    reference = Variant("reference", partial(_prepare_reference, args, network, size, batch))
    return [reference, *ours] if args.against else ours


def _prepare_ours(
    args: Namespace, options: Mapping[str, Any], size: int, batch: int, precision: str
) -> Round:
    reuse_freed_memory()
    network = _network(options)
    encoder = VGGEncoder(args.encoder, args.weights)
    loss = PerceptualLoss(encoder, CONTENT, STYLE, style_weight=STYLE_WEIGHT)
    loss.set_style([StyleImage(_style(args, size))])
    for module in (network, loss):
        module.to(device=args.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if args.compile:
        network.compile(mode=args.compile)
        loss.encoder.compile(mode=args.compile)

    def terms(pictures: Tensor, features: dict[str, Tensor], targets: Targets) -> Tensor:
        return loss.compare(pictures, features, targets).total

    batches = [b.contiguous(memory_format=torch.channels_last) for b in _batches(args, size, batch)]
    is_bf16 = precision == "bf16"
    return _steps(args, network, batches, loss.targets, loss.features, terms, is_bf16)


def _prepare_reference(args: Namespace, options: Mapping[str, Any], size: int, batch: int) -> Round:
    network = ReferenceNetwork(**options).load(_network(options).state_dict()).to(args.device)
    encoder = VGGEncoder(args.encoder, args.weights).to(args.device)
    style = _style(args, size).to(args.device)
    loss = ReferenceLoss(encoder, CONTENT, STYLE, STYLE_WEIGHT, style)

    def terms(_: Tensor, features: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
        result: Tensor = loss(features, targets)
        return result

    return _steps(args, network, _batches(args, size, batch), loss.encode, loss.encode, terms)


def _steps(
    args: Namespace,
    network: nn.Module,
    batches: list[Tensor],
    find_targets: Callable[[Tensor], object],
    encode: Callable[[Tensor], dict[str, Tensor]],
    find_loss: Callable[..., Tensor],
    is_bf16: bool = False,
) -> Round:
    """One training step a round, whose result is the losses of all so far."""
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    device = torch.device(args.device)
    autocast = partial(torch.autocast, device.type, torch.bfloat16, enabled=is_bf16)
    losses: list[float] = []

    def step() -> Generator[str, None, list[float]]:
        photos = to_unit(batches[len(losses) % len(batches)].to(device))
        with autocast():
            targets = find_targets(photos)
        yield "content targets"
        with autocast():
            stylized = network(photos)
        yield "transform network"
        with autocast():
            features = encode(stylized)
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


def _network(options: Mapping[str, Any]) -> TransformNetwork:
    torch.manual_seed(0)
    return TransformNetwork(**options)


def _style(args: Namespace, size: int) -> Tensor:
    return resize(load_picture(args.style).pixels, size)


def _batches(args: Namespace, size: int, batch: int) -> list[Tensor]:
    """Crops of all rounds, (N, 3, S, S), of photos or of dead leaves."""
    generator = np.random.default_rng(0)
    count = (WARMUP + args.rounds) * batch
    if args.photos is None:
        photos: DeadLeaves | PhotoFolder = DeadLeaves(min(count, 64), size)
    else:
        photos = PhotoFolder(find_photos(args.photos), size)
    crops = [photos.random_crop(index % len(photos), generator) for index in range(count)]
    return [torch.stack(crops[i : i + batch]) for i in range(0, count, batch)]
