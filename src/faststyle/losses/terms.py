"""What a loss consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class LossTerms:
    """Every weighted term of a loss as a scalar, the mean over the batch.

    ``total`` is the sum of ``content``, ``style`` and all ``others``: further terms of the loss by
    their names, and those of ``tv`` (total variation), ``grid``, ``temporal`` and
    ``temporal_features`` that have a weight.
    ``content_layers`` and ``style_layers`` hold each layer's part of the first two. ``each`` is the
    total of each picture, (N,), without its graph.
    """

    total: Tensor
    content: Tensor
    style: Tensor
    others: Mapping[str, Tensor]
    content_layers: Mapping[str, Tensor]
    style_layers: Mapping[str, Tensor]
    each: Tensor

    @classmethod
    def of_pictures(
        cls,
        contents: Mapping[str, Tensor],
        styles: Mapping[str, Tensor],
        others: Mapping[str, Tensor],
        none: Tensor,
    ) -> "LossTerms":
        """From the values (N,) of each layer and term; ``none`` is the value of no term, zeros."""
        content, style = sum(contents.values(), none), sum(styles.values(), none)
        each = sum(others.values(), content + style)
        of_others, of_contents, of_styles = (
            {name: values.mean() for name, values in terms.items()}
            for terms in (others, contents, styles)
        )
        totals = each.mean(), content.mean(), style.mean()
        return cls(*totals, of_others, of_contents, of_styles, each.detach())

    def plus(self, name: str, values: Tensor) -> "LossTerms":
        """The same with another further term, of which ``values`` (N,) are each picture's."""
        mean, each = values.mean(), self.each + values.detach()
        others = {**self.others, name: mean}
        return replace(self, total=self.total + mean, others=others, each=each)

    def summary(self) -> dict[str, Tensor]:
        """``loss``, ``content``, ``style`` and the others, without their graph."""
        terms = {"loss": self.total, "content": self.content, "style": self.style, **self.others}
        return {name: value.detach() for name, value in terms.items()}

    def flat(self) -> dict[str, Tensor]:
        """The summary and each layer's part, as ``style/relu1_2``, without their graph."""
        content = {f"content/{layer}": v.detach() for layer, v in self.content_layers.items()}
        style = {f"style/{layer}": v.detach() for layer, v in self.style_layers.items()}
        return self.summary() | content | style
