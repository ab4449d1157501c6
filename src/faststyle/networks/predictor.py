"""From a painting the numbers that make a transform network paint like it."""

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.precision import widen
from faststyle.images.pixels import IMAGENET_MEAN, IMAGENET_STD
from faststyle.networks.lite_features import HEADS, LiteFeatures

#: What a painting is described by: the deepest layer would double the predictor's size.
_LAYERS = ("relu1_2", "relu2_2", "relu3_3")
#: Bins of a color histogram along each of the directions.
_BINS = 12
#: Directions of RGB: all of -1, 0 and 1, of each and its opposite one.
_DIRECTIONS = [each for each in product((-1, 0, 1), repeat=3) if each > (0, 0, 0)]
#: Pixels a side that are averaged before colors are counted.
_POOL = 4


class Predictor(nn.Module):
    """Style prediction (Ghiasi et al., 2017, Exploring the structure of a neural style network).

    A painting is described by the means and deviations of log(1 + F), F being the features at the
    first layers of a ``lite`` encoder, which is trained too, and by its colors
    (:func:`color_histograms`). Three linear layers make ``outputs`` numbers of that, which are 0
    before any training.

    Args:
        outputs: how many numbers a painting becomes.
        hidden: width of the layers between.
    """

    def __init__(self, outputs: int, hidden: int) -> None:
        super().__init__()
        self.encoder = LiteFeatures(len(_LAYERS))
        moments = 2 * sum(HEADS[layer] for layer in _LAYERS)
        self.norm = nn.LayerNorm(moments)
        colors = _BINS * len(_DIRECTIONS)
        self.layers = nn.Sequential(
            nn.Linear(moments + colors, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, outputs),
        )
        for parameter in self.layers[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, paintings: Tensor) -> Tensor:
        """Map (N, 3, H, W), RGB in [0, 1], to (N, outputs) in float32 or better."""
        mean, std = (
            paintings.new_tensor(each).view(3, 1, 1) for each in (IMAGENET_MEAN, IMAGENET_STD)
        )
        features = [each for _, each in self.encoder((paintings - mean) / std, _LAYERS)]
        # Sums over all pixels, and small differences of them, are not for half precision.
        with torch.autocast(paintings.device.type, enabled=False):
            moments = self.norm(torch.cat([_moments(each) for each in features], 1))
            described = torch.cat([moments, color_histograms(paintings)], 1)
            result: Tensor = self.layers(described)
        return result


def color_histograms(images: Tensor) -> Tensor:
    """How often colors of (N, 3, H, W) in [0, 1] occur along 13 directions of RGB: (N, 13 * 12).

    Pixels are averaged over squares of 4 first. Each direction reaches from its darkest color, 0,
    to its lightest, 1; a color counts for the two nearest of 12 centers, the more the nearer it is.
    The numbers of a direction add up to 12, so that they are 1 in the mean.
    """
    side = min(_POOL, *images.shape[2:])
    pixels = F.avg_pool2d(widen(images), side).flatten(2)
    directions = pixels.new_tensor(_DIRECTIONS)
    lowest, highest = directions.clamp_max(0).sum(1), directions.clamp_min(0).sum(1)
    along = (directions @ pixels - lowest[:, None]) / (highest - lowest)[:, None]
    # A bin at a time: all of them together would be 156 numbers for each pixel.
    bins = [
        (1 - (along * (_BINS - 1) - center).abs()).clamp_min(0).mean(2) for center in range(_BINS)
    ]
    return torch.cat(bins, 1) * _BINS


def _moments(features: Tensor) -> Tensor:
    """Mean and deviation of log(1 + F) of features (N, C, H, W): (N, 2 C)."""
    values = widen(features).log1p().flatten(2)
    variance, mean = torch.var_mean(values, 2, correction=0)
    return torch.cat([mean, (variance + 1e-5).sqrt()], 1)
