"""What the loss of distillation consists of."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class DistillationTerms:
    """Relative distances of the student's from the teacher's, as scalars.

    ``features`` and ``grams`` hold those of each layer, ``gradient`` that of the gradients (none
    where they have no weight); ``total`` is their weighted sum.
    """

    total: Tensor
    features: Mapping[str, Tensor]
    grams: Mapping[str, Tensor]
    gradient: Tensor | None

    def flat(self) -> dict[str, Tensor]:
        """``loss``, ``features/relu1_2``, ``gram/relu1_2`` ... and perhaps ``gradient``."""
        features = {f"features/{layer}": value for layer, value in self.features.items()}
        grams = {f"gram/{layer}": value for layer, value in self.grams.items()}
        gradient = {} if self.gradient is None else {"gradient": self.gradient}
        return {"loss": self.total, **features, **grams, **gradient}
