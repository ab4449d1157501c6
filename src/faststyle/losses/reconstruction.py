"""What a picture lacks of the one that it should be (Johnson et al., 2016, section 4.2)."""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.core.precision import widen
from faststyle.encoder import LossNetwork
from faststyle.losses.grid import grid_energy
from faststyle.losses.local_gram import LocalGram
from faststyle.losses.perceptual import PerceptualLoss
from faststyle.losses.terms import LossTerms


class ReconstructionLoss(nn.Module):
    """The distance of pictures to the true ones, as a loss network and as pixels see it.

    L = content_weight * sum_l content[l] C_l + texture_weight * sum_l texture[l] T_l
        + pixel_weight * P + grid_weight * G

    where C_l is the distance of features at layer l, T_l that of the Gram matrices of their parts
    (:class:`~faststyle.losses.local_gram.LocalGram`; both as in :class:`PerceptualLoss`), and P the
    mean over channels and pixels of (y - t)^2 in [0, 1]. Of all pictures that scale down to the
    same small one, P prefers their mean, which is blurred; C_l prefers one that has the same edges;
    T_l one with as much of them, and of the same kind, in about the same place. What it asks for
    and the network does not know it may paint as a pattern of its doublings, which G sees
    (:func:`~faststyle.losses.grid.grid_energy`, beyond that of the truth).

    Args:
        encoder: the loss network, or none if neither content nor texture has a weight.
        content: layer -> weight.
        texture: layer -> weight.
        content_weight: of all content layers together.
        texture_weight: of all texture layers together.
        pixel_weight: of the pixels.
        grid_weight: of the pattern.
        scale: of content and texture; see :class:`PerceptualLoss`.

    Raises:
        UserError: an unknown layer or scale; a weight that is negative, or none above 0.
    """

    def __init__(
        self,
        encoder: LossNetwork | None,
        content: Mapping[str, float],
        texture: Mapping[str, float] = MappingProxyType({}),
        content_weight: float = 1.0,
        texture_weight: float = 0.0,
        pixel_weight: float = 0.0,
        scale: str = "relative",
        grid_weight: float = 0.0,
    ) -> None:
        super().__init__()
        weights = {"content": content_weight, "texture": texture_weight, "pixel": pixel_weight}
        if min(*weights.values(), grid_weight) < 0 or not any(weights.values()):
            shown = ", ".join(f"loss.{name}_weight={value}" for name, value in weights.items())
            raise UserError(f"{shown}: none can be negative, and one must be above 0")
        for name, layers in (("content", content), ("texture", texture)):
            if weights[name] and (encoder is None or not any(layers.values())):
                raise UserError(f"loss.{name}_weight is above 0, but loss.{name} names no layer")
        self.perceptual: PerceptualLoss | None = None
        if encoder is not None and content_weight + texture_weight:
            given = content, texture, content_weight, texture_weight, 0.0, scale, LocalGram()
            self.perceptual = PerceptualLoss(encoder, *given)
        self.pixel_weight, self.grid_weight = float(pixel_weight), float(grid_weight)
        self._given: dict[str, object] = {
            "scale": scale,
            "content": {layer: float(weight) for layer, weight in content.items()},
            "texture": {layer: float(weight) for layer, weight in texture.items()},
            **{f"{name}_weight": float(value) for name, value in weights.items()},
            "grid_weight": self.grid_weight,
        }

    def describe(self) -> dict[str, object]:
        """The arguments, but the encoder, that make this loss anew, as values for JSON."""
        return self._given

    def forward(self, pictures: Tensor, truth: Tensor) -> LossTerms:
        """Every weighted term; ``style`` of the result is the texture.

        Args:
            pictures: (N, 3, H, W), RGB, about in [0, 1].
            truth: what they should be, the same shape, in [0, 1].
        """
        terms = LossTerms.of_pictures({}, {}, {}, pictures.new_zeros(len(pictures)).float())
        if self.perceptual is not None:
            with torch.no_grad():
                targets = self.perceptual.targets_of(self.perceptual.features(truth))
            terms = self.perceptual(pictures, targets)
        if self.pixel_weight:
            distance = (widen(pictures) - widen(truth)).square().mean((1, 2, 3))
            terms = terms.plus("pixel", self.pixel_weight * distance)
        if self.grid_weight:
            beyond = (grid_energy(pictures) - grid_energy(truth)).relu()
            terms = terms.plus("grid", self.grid_weight * beyond)
        return terms
