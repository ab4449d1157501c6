"""The LightningModule that distils a VGG into the lite encoder."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from faststyle.encoder import LossNetwork
from faststyle.images.pixels import to_unit
from faststyle.losses import gram_matrix
from faststyle.losses.defaults import CONTENT, STYLE, STYLE_WEIGHT
from faststyle.losses.normalization import relative_distance
from faststyle.networks.lite_features import HEADS
from faststyle.training.engine.schedule import cosine, scheduled
from recipes.distillation.examples import ExampleMixer

#: By names, such as ``features/relu1_2``.
Features = dict[str, Tensor]

#: Weights of the default perceptual loss with Gram matrices, as they are described here.
_WEIGHTS = {f"features/{layer}": weight for layer, weight in CONTENT.items()}
_WEIGHTS |= {f"gram/{layer}": STYLE_WEIGHT * weight for layer, weight in STYLE.items()}


class Distillation(pl.LightningModule):
    """Train ``student`` to give what ``teacher`` gives.

    L = sum over heads l of C_l + gram_weight * S_l, plus gradient_weight * D

    where C_l is the relative distance of features, S_l that of Gram matrices, and D that of the
    gradients, with respect to the picture, of the default perceptual loss with Gram matrices: what
    matters is that a picture optimized against the student lowers the teacher's losses too.

    Args:
        student: its weights are trained.
        teacher: its weights are constants, best with unit activations.
        pictures: what to look at besides photos.
        learning_rate: of Adam at the start; it falls to 0 along a cosine.
        gram_weight: of the Gram matrices.
        gradient_weight: of the gradients; without it (0) a step takes a fraction of the time.
        gradient_warmup_steps: over which that weight rises from 0.
    """

    def __init__(
        self,
        student: LossNetwork,
        teacher: LossNetwork,
        pictures: ExampleMixer,
        learning_rate: float = 2e-3,
        gram_weight: float = 0.5,
        gradient_weight: float = 0.5,
        gradient_warmup_steps: int = 300,
    ) -> None:
        super().__init__()
        self.student, self.teacher, self.pictures = student, teacher, pictures
        self.learning_rate = learning_rate
        self.gram_weight, self.gradient_weight = gram_weight, gradient_weight
        self.gradient_warmup_steps = gradient_warmup_steps
        self._bank_grams: dict[int, Features] = {}  # the teacher's, by the side of squares
        self.to(memory_format=torch.channels_last)

    def training_step(self, batch: Tensor) -> Tensor:
        """One step on uint8 photos (N, 3, H, W)."""
        shown = self.pictures.draw(self._photos(batch))
        terms, gradient = self.compare(shown.pictures, shown.styles, shown.contents)
        self.pictures.learn(shown, gradient)
        self._log("train", terms)
        return terms["loss"]

    @torch.enable_grad()
    def validation_step(self, batch: Tensor) -> None:
        """The same on held-out photos."""
        photos = self._photos(batch)
        order = torch.arange(len(photos))
        styles = order % len(self.pictures.bank(photos.shape[-1]))
        terms, _ = self.compare(photos, styles, order.roll(1), train=False)
        self._log("val", terms)

    def configure_optimizers(self) -> Any:
        """Adam, its rate falling along a cosine to the last step."""
        optimizer = torch.optim.Adam(self.student.parameters(), self.learning_rate)
        return scheduled(optimizer, partial(cosine, steps=self.trainer.max_steps))

    def compare(
        self, pictures: Tensor, styles: Tensor, contents: Tensor, train: bool = True
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Show both networks ``pictures`` (N, 3, S, S) in [0, 1].

        Args:
            pictures: to look at.
            styles: (N,), to which squares of the bank the perceptual loss leads each picture.
            contents: (N,), and to the content of which picture of the batch.
            train: let the terms be differentiated by the student's weights.

        Returns:
            ``loss`` and its terms, scalars: ``features/relu1_2``, ``gram/relu1_2`` ..., and
            ``gradient`` if it has a weight. The gradient of the student's perceptual loss,
            (N, 3, S, S).
        """
        pictures = pictures.detach().requires_grad_()
        matched = self.gradient_weight > 0
        with torch.set_grad_enabled(matched):
            given = _describe(self.teacher(pictures, HEADS))
        given_targets = self._teacher_targets(given, pictures.shape[-1], styles, contents)
        targets = self._student_targets(pictures, styles, contents)
        found = _describe(self.student(pictures, HEADS))
        # The student's loss is relative to the teacher's energies: its own may be next to none.
        loss = _perceptual_loss(found, targets, given_targets)
        gradient = _gradient(loss, pictures, train and matched)
        terms = {name: _distance(value, given[name]) for name, value in found.items()}
        features, grams = (
            torch.stack([terms[f"{kind}/{layer}"] for layer in HEADS]).sum()
            for kind in ("features", "gram")
        )
        terms = {"loss": features + self.gram_weight * grams, **terms}
        if matched:
            wanted = _gradient(_perceptual_loss(given, given_targets, given_targets), pictures)
            terms["gradient"] = _distance(gradient, wanted)
            terms["loss"] = terms["loss"] + self._ramp() * terms["gradient"]
        return terms, gradient.detach()

    def _teacher_targets(
        self, given: Features, side: int, styles: Tensor, contents: Tensor
    ) -> Features:
        if side not in self._bank_grams:
            self._bank_grams[side] = self._look_at_bank(side)
        content = {f"features/{name}": given[f"features/{name}"].detach() for name in CONTENT}
        targets = {name: value[contents] for name, value in content.items()}
        return targets | {name: value[styles] for name, value in self._bank_grams[side].items()}

    def _student_targets(self, pictures: Tensor, styles: Tensor, contents: Tensor) -> Features:
        """Targets move with the student's weights, but not with the pictures: passes of their own.

        A graph leads to the weights.
        """
        crops = self.pictures.bank(pictures.shape[-1])[styles].to(pictures)
        style = _describe(self.student(crops, STYLE))
        content = self.student(pictures.detach(), CONTENT)
        return style | {f"features/{name}": content[name][contents] for name in CONTENT}

    @torch.no_grad()
    def _look_at_bank(self, side: int) -> Features:
        bank = self.pictures.bank(side).to(self.teacher.mean)
        # The whole bank at once would take much memory.
        parts = [_describe(self.teacher(part, STYLE)) for part in torch.split(bank, 16)]
        return {
            f"gram/{layer}": torch.cat([part[f"gram/{layer}"] for part in parts]) for layer in STYLE
        }

    def _photos(self, batch: Tensor) -> Tensor:
        return to_unit(batch).contiguous(memory_format=torch.channels_last)

    def _ramp(self) -> float:
        """Gradients of features that mean nothing yet lead nowhere: their weight rises."""
        steps = self.gradient_warmup_steps
        return self.gradient_weight * min(1.0, (self.global_step + 1) / max(1, steps))

    def _log(self, stage: str, terms: Features) -> None:
        for name, value in terms.items():
            is_loss = name == "loss"
            self.log(f"{stage}/{name}", value.detach(), prog_bar=is_loss, sync_dist=stage == "val")


def _describe(features: Mapping[str, Tensor]) -> Features:
    """Features (N, C, H, W) of layers, and their Gram matrices (N, C, C)."""
    grams = {f"gram/{layer}": gram_matrix(value) for layer, value in features.items()}
    return {f"features/{layer}": value for layer, value in features.items()} | grams


def _distance(value: Tensor, target: Tensor) -> Tensor:
    return relative_distance(value, target.detach()).mean()


def _gradient(loss: Tensor, pictures: Tensor, graph: bool = False) -> Tensor:
    """That of each picture's ``loss`` (N,): (N, 3, S, S) in float32."""
    (gradient,) = torch.autograd.grad(loss.sum(), pictures, create_graph=graph, retain_graph=True)
    return gradient.float()


def _perceptual_loss(values: Features, targets: Features, reference: Features) -> Tensor:
    """That of each picture (N,); distances are relative to the energies of ``reference``."""
    distances = [
        weight * relative_distance(values[name], targets[name], reference[name], min_energy=0.0)
        for name, weight in _WEIGHTS.items()
    ]
    return torch.stack(distances).sum(0)
