"""Networks whose instance normalization knows regions of a picture.

Each region is normalized by its own mean and variance, and gets the scale and shift of its own
style. So its colors are as in a picture of its own, and several styles of one network
(:mod:`faststyle.networks.conditional`) are rendered in one pass, the mixture being another one at
each pixel.
"""

import copy
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.networks.conditional import ConditionalInstanceNorm2d
from faststyle.networks.instance_norm import CHUNK_VALUES, pixels_of, weighted_moments
from faststyle.networks.stages import margin_of, stages_of

#: Shares that all regions have everywhere, so that pixels of none are of all.
_EVERYWHERE = 1e-6
#: Masks (R, height, width) of regions in the resolution of a layer.
MasksAt = Callable[[int, int], Tensor]


class RegionalNorm(nn.Module):
    """Instance normalization of one picture, region by region.

    ``weight`` and ``bias`` are the scale and the shift of each region's style, (R, C).
    """

    def __init__(self, weight: Tensor, bias: Tensor, eps: float, masks: MasksAt) -> None:
        super().__init__()
        self._weight, self._bias, self._eps, self._masks = weight, bias, eps, masks

    def forward(self, x: Tensor) -> Tensor:
        """Map (1, C, H, W) to the same shape; ``x`` is overwritten."""
        x = x.detach().contiguous(memory_format=torch.channels_last)
        # Autocast would round the shares of pixels, of which there are millions, to 16 bits.
        with torch.autocast(x.device.type, enabled=False):
            masks = self._masks(*x.shape[2:])
            moments = [weighted_moments(x, mask) for mask in masks]
            means, variances = (torch.stack(each) for each in zip(*moments, strict=True))
            scale = self._weight * (variances + self._eps).rsqrt()
            shift = self._bias - means * scale
            # In place: maps of scale and shift would be as large as the features, twice.
            chunks = pixels_of(x, CHUNK_VALUES)
            shares = torch.split(masks.flatten(1).T + _EVERYWHERE, len(chunks[0]))
            for chunk, share in zip(chunks, shares, strict=True):
                mixed = share / share.sum(1, keepdim=True)
                chunk.mul_((mixed @ scale).to(x)).add_((mixed @ shift).to(x))
        return x


def knows_regions(network: nn.Module) -> bool:
    """Whether :func:`regional` can change the network, as its layers say.

    With batch normalization it has no statistics of a picture, and where layers lose pixels at
    their edges, these and masks do not lie over each other.
    """
    stages = stages_of(network)
    kinds = nn.InstanceNorm2d, nn.BatchNorm2d
    norms = [module for module in network.modules() if isinstance(module, kinds)]
    are_regional = all(isinstance(norm, nn.InstanceNorm2d) and norm.affine for norm in norms)
    return bool(stages) and are_regional and not any(stage.crop for stage in stages)


def regional(network: nn.Module, masks: Tensor, style_weights: Tensor | None = None) -> nn.Module:
    """The network for one picture, in which each region has statistics of its own.

    Args:
        network: one that :func:`knows_regions`, in evaluation mode; its weights are shared.
        masks: (R, H, W), from 0 to 1, as large as the picture; none of them 0 everywhere. They are
            padded as the network pads pictures.
        style_weights: of a network of S styles, the share of each in each region, (R, S).

    Returns:
        A network without gradients.
    """
    pad, margin = getattr(network, "pad", nn.Identity()), margin_of(network)
    padded = pad(masks[None])
    if margin:
        padded = F.pad(padded, (margin,) * 4, mode="reflect")

    @cache
    def masks_at(height: int, _width: int) -> Tensor:
        return F.avg_pool2d(padded, padded.shape[2] // height)[0]

    tensors = (*network.parameters(), *network.buffers())
    changed = copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})
    for name, norm in list(changed.named_modules()):
        if isinstance(norm, nn.InstanceNorm2d):
            tables = norm.weight.detach(), norm.bias.detach()
            if isinstance(norm, ConditionalInstanceNorm2d):
                assert style_weights is not None
                weight, bias = (style_weights.to(table) @ table for table in tables)
            else:
                weight, bias = (table.expand(len(masks), -1) for table in tables)
            parent, _, key = name.rpartition(".")
            regional_norm = RegionalNorm(weight, bias, norm.eps, masks_at)
            changed.get_submodule(parent).register_module(key, regional_norm)
    return changed
