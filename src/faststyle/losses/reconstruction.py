"""What a picture lacks of the one that it should be (Johnson et al., 2016, section 4.2)."""

from collections.abc import Mapping

from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.core.precision import widen
from faststyle.encoder import LossNetwork
from faststyle.losses.perceptual import PerceptualLoss
from faststyle.losses.terms import LossTerms


class ReconstructionLoss(nn.Module):
    """The distance of pictures to the true ones, as a loss network and as pixels see it.

    L = content_weight * sum_l content[l] C_l + pixel_weight * P

    where C_l is the distance of features at layer l (:class:`PerceptualLoss`), and P the mean over
    channels and pixels of (y - t)^2 in [0, 1]. Of all pictures that scale down to the same small
    one, P prefers their mean, which is blurred; C_l prefers one that has the same edges.

    Args:
        encoder: the loss network, or none if ``content_weight`` is 0.
        content: layer -> weight.
        content_weight: of all content layers together.
        pixel_weight: of the pixels.
        scale: of the content; see :class:`PerceptualLoss`.

    Raises:
        UserError: an unknown layer or scale; a weight that is negative, or none above 0.
    """

    def __init__(
        self,
        encoder: LossNetwork | None,
        content: Mapping[str, float],
        content_weight: float = 1.0,
        pixel_weight: float = 0.0,
        scale: str = "relative",
    ) -> None:
        super().__init__()
        if min(content_weight, pixel_weight) < 0 or not content_weight + pixel_weight > 0:
            raise UserError(
                f"loss.content_weight={content_weight} and loss.pixel_weight={pixel_weight}:"
                " neither can be negative, and one must be above 0"
            )
        self.perceptual: PerceptualLoss | None = None
        if content_weight:
            if encoder is None or not any(content.values()):
                raise UserError("loss.content_weight is above 0, but loss.content names no layer")
            self.perceptual = PerceptualLoss(
                encoder, content, {}, content_weight, style_weight=0.0, scale=scale
            )
        self.pixel_weight = float(pixel_weight)

    def describe(self) -> dict[str, object]:
        """What a file says of it, as values for JSON."""
        content: dict[str, object] = {"content_weight": 0.0}
        if self.perceptual is not None:
            known = self.perceptual.describe()
            content = {key: known[key] for key in ("scale", "content", "content_weight")}
        return {**content, "pixel_weight": self.pixel_weight}

    def forward(self, pictures: Tensor, truth: Tensor) -> LossTerms:
        """Every weighted term.

        Args:
            pictures: (N, 3, H, W), RGB, about in [0, 1].
            truth: what they should be, the same shape, in [0, 1].
        """
        terms = LossTerms.of_pictures({}, {}, {}, pictures.new_zeros(len(pictures)).float())
        if self.perceptual is not None:
            terms = self.perceptual(pictures, self.perceptual.targets(truth))
        if self.pixel_weight:
            distance = (widen(pictures) - widen(truth)).square().mean((1, 2, 3))
            terms = terms.plus("pixel", self.pixel_weight * distance)
        return terms
