"""Training steps: faststyle's and the reference's, on the same photos from the same weights."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from faststyle.benchmark.compare import NAMES, Stages, Variant, after_reference
from faststyle.benchmark.reference import ReferenceLoss
from faststyle.benchmark.reference_network import ReferenceNetwork
from faststyle.core.devices import reuse_freed_memory
from faststyle.data.folder import PhotoFolder, find_photos
from faststyle.data.synthetic import DeadLeaves
from faststyle.encoder import VGGEncoder
from faststyle.images.files import load_picture
from faststyle.images.pixels import resize, to_unit
from faststyle.losses import PerceptualLoss, StyleImage, Targets
from faststyle.losses.defaults import CONTENT, STYLE, STYLE_WEIGHT
from faststyle.networks import TransformNetwork


@dataclass(frozen=True)
class TrainTask:
    """What is trained on what; ``rounds`` batches are made ready before the clock starts.

    ``photos``: a folder, or none for dead leaves. ``style``: a picture. ``weights``: of the
    encoder ``arch``. ``compile``: a mode of ``torch.compile``, or none.
    """

    style: Path
    rounds: int
    photos: Path | None = None
    arch: str = "vgg19"
    weights: str = "random"
    width: int = 32
    blocks: int = 5
    noise: int = 0
    batch_size: int = 4
    size: int = 256
    learning_rate: float = 1e-3
    device: str = "cpu"
    compile: str | None = None


def variants(task: TrainTask, precisions: Sequence[str], reference: bool) -> list[Variant]:
    """Ours in each precision, after the reference if asked for."""
    ours = [Variant(NAMES[p], partial(_prepare_ours, task, p), p) for p in precisions]
    return after_reference(ours, partial(_prepare_reference, task), reference)


def _prepare_ours(task: TrainTask, precision: str) -> Stages:
    reuse_freed_memory()
    network = _network(task)
    encoder = VGGEncoder(task.arch, task.weights)
    loss = PerceptualLoss(encoder, CONTENT, STYLE, style_weight=STYLE_WEIGHT)
    loss.set_style([StyleImage(_style(task))])
    layout = {"device": task.device, "memory_format": torch.channels_last}
    network.to(**layout), loss.to(**layout)  # type: ignore[call-overload]
    if task.compile:
        network.compile(mode=task.compile)
        loss.encoder.compile(mode=task.compile)
    step = _Step(task, network, loss.targets, loss.features, _ours_terms(loss))
    kind = torch.device(task.device).type
    step.context = partial(torch.autocast, kind, torch.bfloat16, enabled=precision == "bf16")
    step.layout = torch.channels_last
    return step.stages()


def _ours_terms(loss: PerceptualLoss) -> Callable[..., Tensor]:
    def terms(pictures: Tensor, features: dict[str, Tensor], targets: Targets) -> Tensor:
        return loss.compare(pictures, features, targets).total

    return terms


def _prepare_reference(task: TrainTask) -> Stages:
    network = ReferenceNetwork(task.width, task.blocks, noise=task.noise)
    network.load(_network(task).state_dict())
    encoder = VGGEncoder(task.arch, task.weights).to(task.device)
    style = _style(task).to(task.device)
    loss = ReferenceLoss(encoder, CONTENT, STYLE, STYLE_WEIGHT, style)

    def terms(_pictures: Tensor, features: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
        result: Tensor = loss(features, targets)
        return result

    return _Step(task, network.to(task.device), loss.encode, loss.encode, terms).stages()


class _Step:
    """One training step in stages, so that each can be timed."""

    layout = torch.contiguous_format
    context: Callable[[], AbstractContextManager[object]]

    def __init__(
        self,
        task: TrainTask,
        network: torch.nn.Module,
        targets: Callable[[Tensor], object],
        features: Callable[[Tensor], dict[str, Tensor]],
        terms: Callable[..., Tensor],
    ) -> None:
        self.task, self.network = task, network
        self.find_targets, self.encode, self.loss_terms = targets, features, terms
        self.context = partial(torch.autocast, "cpu", enabled=False)
        self.optimizer = torch.optim.Adam(network.parameters(), task.learning_rate)
        self.batches = _batches(task)
        self.losses: list[float] = []

    def stages(self) -> Stages:
        return [
            ("content targets", self._targets),
            ("transform network", self._stylize),
            ("encoder", self._features),
            ("Gram and terms", self._terms),
            ("backward, losses", self._backward_losses),
            ("backward, network", self._backward_network),
            ("Adam", self._update),
        ]

    def _targets(self) -> None:
        batch = self.batches[len(self.losses) % len(self.batches)].to(self.task.device)
        self.photos = to_unit(batch).contiguous(memory_format=self.layout)
        with self.context():
            self.targets = self.find_targets(self.photos)

    def _stylize(self) -> None:
        with self.context():
            self.stylized = self.network(self.photos)

    def _features(self) -> None:
        with self.context():
            self.features = self.encode(self.stylized)

    def _terms(self) -> None:
        with self.context():
            self.loss = self.loss_terms(self.stylized, self.features, self.targets)

    def _backward_losses(self) -> None:
        (self.grad,) = torch.autograd.grad(self.loss, self.stylized)

    def _backward_network(self) -> None:
        del self.features, self.targets
        self.optimizer.zero_grad()
        self.stylized.backward(self.grad)

    def _update(self) -> list[float]:
        self.optimizer.step()
        self.losses.append(self.loss.item())
        del self.stylized, self.grad, self.loss
        return list(self.losses)


def _network(task: TrainTask) -> TransformNetwork:
    torch.manual_seed(0)
    return TransformNetwork(task.width, task.blocks, noise=task.noise)


def _style(task: TrainTask) -> Tensor:
    return resize(load_picture(task.style).pixels, task.size)


def _batches(task: TrainTask) -> list[Tensor]:
    generator = np.random.default_rng(0)
    count = task.rounds * task.batch_size
    if task.photos is None:
        photos: DeadLeaves | PhotoFolder = DeadLeaves(min(count, 64), task.size)
    else:
        photos = PhotoFolder(find_photos(task.photos), task.size)
    crops = [photos.random_crop(index % len(photos), generator) for index in range(count)]
    return [torch.stack(crops[i : i + task.batch_size]) for i in range(0, count, task.batch_size)]
