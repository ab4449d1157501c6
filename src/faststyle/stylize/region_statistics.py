"""Where in a picture a network takes its statistics from."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from faststyle.images.pixels import resample, to_unit
from faststyle.networks.regional import knows_regions, regional


@dataclass(frozen=True)
class RegionStatistics:
    """Regions of a picture, each normalized by itself (:mod:`faststyle.networks.regional`).

    Args:
        masks: uint8 (R, H, W), 255 inside; none of them 0 everywhere.
        tables: a network of S styles, if the regions are to have several of these.
        mixtures: then the shares of these in each region, (R, S).
    """

    masks: Tensor
    tables: nn.Module | None = None
    mixtures: Tensor | None = None

    def scaled(self, size: tuple[int, int]) -> "RegionStatistics":
        """The same place in the picture at another height and width."""
        masks = resample(self.masks, size)
        # Of a region so small that it vanishes, the statistics are the picture's.
        return replace(self, masks=torch.where(masks.amax((1, 2), keepdim=True) > 0, masks, 255))

    def network(self, usual: nn.Module) -> nn.Module:
        """What takes the place of a network for this one picture."""
        network = usual if self.tables is None else self.tables
        if not knows_regions(network):
            return usual
        device = next(network.parameters()).device
        return regional(network, to_unit(self.masks.to(device)), self.mixtures)
