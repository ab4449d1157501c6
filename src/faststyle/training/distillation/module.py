"""The LightningModule that distils a VGG into the lite encoder."""

from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from faststyle.encoder import LiteEncoder, VGGEncoder
from faststyle.encoder.lite import HEADS
from faststyle.losses import gram_matrix
from faststyle.losses.terms import feature_distance, statistic_distance
from faststyle.pictures.pixels import to_unit
from faststyle.training.distillation.examples import ExampleMixer
from faststyle.training.engine.schedule import cosine, scheduled

#: The perceptual loss whose gradient is matched: configs/loss/relative.yaml.
CONTENT, STYLE_WEIGHT = "relu3_3", 5.0
STYLE = {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0, "relu4_3": 0.2}

#: Among targets, which are Gram matrices by layer, the features of the content.
CONTENT_TARGET = "content"

Features = dict[str, Tensor]


class Distillation(pl.LightningModule):
    """Train ``student`` to give what ``teacher`` gives.

    L = sum over heads l of C_l + gram_weight * S_l, plus gradient_weight * D

    where C_l is the relative distance of features (:func:`feature_distance`), S_l that of Gram
    matrices, and D that of the gradients of a perceptual loss with respect to the picture: what
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
        student: LiteEncoder,
        teacher: VGGEncoder,
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
        self._teacher_grams: Features | None = None
        self._teacher_side = 0
        self.to(memory_format=torch.channels_last)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """One step on uint8 photos (N, 3, H, W)."""
        del batch_idx
        shown = self.pictures.draw(self._photos(batch))
        terms, gradient = self._terms(shown.pictures, shown.styles, shown.contents, train=True)
        self.pictures.learn(shown, gradient)
        self._log("train", terms)
        return terms["loss"]

    @torch.enable_grad()
    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        """The same on held-out photos."""
        del batch_idx
        photos = self._photos(batch)
        order = torch.arange(len(photos))
        styles = order % len(self.pictures.bank(photos.shape[-1]))
        terms, _ = self._terms(photos, styles, order.roll(1), train=False)
        self._log("val", terms)

    def configure_optimizers(self) -> Any:
        """Adam, its rate falling along a cosine to the last step."""
        optimizer = torch.optim.Adam(self.student.parameters(), self.learning_rate)
        return scheduled(optimizer, partial(cosine, steps=self.trainer.max_steps))

    def _photos(self, batch: Tensor) -> Tensor:
        return to_unit(batch).contiguous(memory_format=torch.channels_last)

    def _terms(
        self, pictures: Tensor, styles: Tensor, contents: Tensor, train: bool
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Every term of the loss, and the student's gradient at ``pictures``.

        Each picture is led to the style of that number in the bank, and to the content of the
        picture of that number in the batch.
        """
        side = pictures.shape[-1]
        if self._teacher_grams is None or self._teacher_side != side:
            bank = self.pictures.bank(side).to(pictures)
            self._teacher_grams, self._teacher_side = self._bank_grams(bank), side
        given_targets = {name: grams[styles] for name, grams in self._teacher_grams.items()}
        crops = self.pictures.bank(side)[styles].to(pictures)
        pictures = pictures.detach().requires_grad_()
        matched = self.gradient_weight > 0
        with torch.set_grad_enabled(matched):
            given = self.teacher(pictures, HEADS)
        given_targets[CONTENT_TARGET] = given[CONTENT].detach()[contents].float()
        # The student's loss is relative to the teacher's energies: its own may be next to none.
        scales = {name: _energy(target) for name, target in given_targets.items()}
        given_grams = _grams(given)
        # Targets move with the student's weights, but not with the pictures: a pass of their own.
        targets = _grams(self.student(crops, STYLE))
        content = self.student(pictures.detach(), [CONTENT])[CONTENT]
        targets[CONTENT_TARGET] = content[contents].float()
        found = self.student(pictures, HEADS)
        grams = _grams(found)
        graph = train and matched
        gradient = _gradient(found, grams, targets, scales, pictures, graph)
        terms: dict[str, Tensor] = {}
        for layer in HEADS:
            target = given[layer].detach()
            terms[f"features/{layer}"] = feature_distance(found[layer], target, "relative").mean()
            pair = grams[layer], given_grams[layer].detach()
            terms[f"gram/{layer}"] = statistic_distance(*pair, "relative").mean()
        features, gram = (_sum(terms, kind) for kind in ("features", "gram"))
        loss = features + self.gram_weight * gram
        if matched:
            given_gradient = _gradient(given, given_grams, given_targets, scales, pictures)
            terms["gradient"] = feature_distance(gradient, given_gradient, "relative").mean()
            loss = loss + self._ramp() * terms["gradient"]
        return {"loss": loss, **terms}, gradient.detach()

    @torch.no_grad()
    def _bank_grams(self, bank: Tensor) -> Features:
        # The whole bank at once would take much memory.
        parts = [_grams(self.teacher(part, STYLE)) for part in torch.split(bank, 16)]
        return {layer: torch.cat([part[layer] for part in parts]) for layer in STYLE}

    def _ramp(self) -> float:
        """Gradients of features that mean nothing yet lead nowhere: their weight rises."""
        steps = self.gradient_warmup_steps
        return self.gradient_weight * min(1.0, (self.global_step + 1) / max(1, steps))

    def _log(self, stage: str, terms: dict[str, Tensor]) -> None:
        values = {f"{stage}/{name}": value.detach() for name, value in terms.items()}
        loss = values.pop(f"{stage}/loss")
        self.log(f"{stage}/loss", loss, prog_bar=True, sync_dist=stage == "val")
        self.log_dict(values, sync_dist=stage == "val")


def _sum(terms: dict[str, Tensor], kind: str) -> Tensor:
    return torch.stack([v for name, v in terms.items() if name.startswith(f"{kind}/")]).sum()


def _gradient(
    features: Features,
    grams: Features,
    targets: Features,
    scales: Features,
    pictures: Tensor,
    graph: bool = False,
) -> Tensor:
    """The gradient of each picture's perceptual loss, (N, 3, S, S), in float32."""
    distance = _energy(features[CONTENT].float() - targets[CONTENT_TARGET])
    loss = (distance / scales[CONTENT_TARGET]).sum()
    for layer, weight in STYLE.items():
        distance = _energy(grams[layer] - targets[layer]) / scales[layer]
        loss = loss + STYLE_WEIGHT * weight * distance.sum()
    (gradient,) = torch.autograd.grad(loss, pictures, create_graph=graph, retain_graph=True)
    return gradient.float()


def _grams(features: Features) -> Features:
    return {layer: gram_matrix(value) for layer, value in features.items()}


def _energy(x: Tensor) -> Tensor:
    return x.float().square().flatten(1).sum(1).clamp_min(torch.finfo(torch.float32).tiny)
