"""What a loss consists of."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LossTerms:
    """Every weighted term of a loss as a scalar, the mean over the batch.

    ``total`` is the sum of ``content``, ``style`` and all ``priors``: those of ``tv`` (total
    variation) and ``grid`` that have a weight. ``content_layers`` and ``style_layers`` hold each
    layer's part of the first two.
    """

    total: Tensor
    content: Tensor
    style: Tensor
    priors: Mapping[str, Tensor]
    content_layers: Mapping[str, Tensor]
    style_layers: Mapping[str, Tensor]

    def summary(self) -> dict[str, Tensor]:
        """``loss``, ``content``, ``style`` and the priors, without their graph."""
        terms = {"loss": self.total, "content": self.content, "style": self.style, **self.priors}
        return {name: value.detach() for name, value in terms.items()}

    def flat(self) -> dict[str, Tensor]:
        """The summary and each layer's part, as ``style/relu1_2``, without their graph."""
        content = {f"content/{layer}": v.detach() for layer, v in self.content_layers.items()}
        style = {f"style/{layer}": v.detach() for layer, v in self.style_layers.items()}
        return self.summary() | content | style
