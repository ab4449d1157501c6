"""Scales of well-known sources, which give those sources' own numbers on the same features.

A weight means something else at each, for each set of weights of the loss network, and for each
size: ``relative`` is for use. ``configs/loss`` has each source's layers and weights by its name,
and docs/optimizing.md how close the numbers are.
"""

from torch import Tensor

from faststyle.core.precision import widen
from faststyle.images.pixels import IMAGENET_STD
from faststyle.losses.normalization import NORMALIZATIONS, JohnsonNormalization, RelativeEnergy


@NORMALIZATIONS.register("cntk")
class CNTKNormalization(JohnsonNormalization):
    """Of CNTK's tutorial 205, after Novak and Nikulin (2016), with ``gram_global_mean``.

    Content is the mean of (F - T)^2. Style is ||G - T||^2 / (C H W)^2, which they write as
    C^2 N^4 of a square picture of N x N; the statistic is divided by C H W already.
    """

    def variation(self, images: Tensor, /) -> Tensor:
        """(mean_chw (x[h+1] - x[h])^2 + mean_chw (x[w+1] - x[w])^2) / 2, of pixels up to 255."""
        return 255**2 / 2 * RelativeEnergy().variation(images)


@NORMALIZATIONS.register("cs231n")
class CS231nNormalization(JohnsonNormalization):
    """Of the course CS231n (Stanford, assignment 3), with ``gram``."""

    def content(self, value: Tensor, target: Tensor, /) -> Tensor:
        """The sum over C, H, W of (F - T)^2."""
        return (widen(value) - widen(target)).square().sum((1, 2, 3))

    def variation(self, images: Tensor, /) -> Tensor:
        """The paper's sum, of pixels in ImageNet's standard deviations."""
        images = widen(images)
        return super().variation(images / images.new_tensor(IMAGENET_STD).view(3, 1, 1))


@NORMALIZATIONS.register("csdn_weighted")
class WeightedLayersNormalization(JohnsonNormalization):
    """Of the projects with a weight for each layer that CSDN's readers know, with ``gram``.

    They divide by the number of layers, too, which is in the weights of ``loss=csdn_weighted``.
    """

    def content(self, value: Tensor, target: Tensor, /) -> Tensor:
        """sum_chw (F - T)^2 / (2 C H W)."""
        return super().content(value, target) / 2

    def style(self, value: Tensor, target: Tensor, /) -> Tensor:
        """||F F^T - T T^T||^2 / (4 C^2 (H W)^2), of Gram matrices that are sums over H, W."""
        return super().style(value, target) / 4


@NORMALIZATIONS.register("inner_variation")
class InnerVariationNormalization(JohnsonNormalization):
    """The paper's, but the last row and column have no total variation, as in many tutorials."""

    def variation(self, images: Tensor, /) -> Tensor:
        """sum_c sum_{h < H - 1, w < W - 1} (x[h+1, w] - x[h, w])^2 + (x[h, w+1] - x[h, w])^2."""
        images = widen(images)
        down, right = images.diff(dim=2)[..., :-1], images.diff(dim=3)[..., :-1, :]
        return down.square().sum((1, 2, 3)) + right.square().sum((1, 2, 3))
