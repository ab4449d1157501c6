"""How large a VGG's features are: made 1, or checked, on a made-up picture."""

import logging
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.images.pixels import IMAGENET_MEAN, IMAGENET_STD

log = logging.getLogger(__name__)

#: Pixels of the picture of :func:`check_activations`; every pooling halves them.
_CHECKED_SIDE = 64
#: Typical features of weights for torchvision's pixels, and of Caffe's.
_USUAL = (0.05, 2.0), (40.0, 2000.0)


@torch.no_grad()
def normalize_activations(features: nn.Sequential) -> None:
    """Scale weights in place, so that each ReLU gives 1 in the mean over channels and positions.

    Sets of weights differ in scale by hundreds, and with them every loss that is not relative.
    ReLUs and pooling pass a scale on, so only the scale of features changes, not what they detect.
    Gatys et al. took ImageNet's photos and each filter for itself; here it is the layer as a whole,
    on noise of a photo's spectrum, so that nothing needs to be at hand.
    """
    x = photo_like_noise()
    before = 1.0
    block: list[nn.Module] = []
    for module in features:
        x = module(x)
        if not isinstance(module, nn.ReLU):
            block += [] if isinstance(module, nn.MaxPool2d) else [module]
            continue
        scale = x.mean().clamp_min(torch.finfo(x.dtype).tiny).item()
        # The first takes what the layer before now gives for what it gave; the last divides.
        block[0].weight.mul_(before)  # type: ignore[operator]
        for tensor in (block[-1].weight, block[-1].bias):
            tensor.div_(scale)  # type: ignore[operator]
        before, block = scale, []


@torch.no_grad()
def check_activations(
    features: nn.Sequential, mean: Sequence[float], std: Sequence[float], origin: str
) -> None:
    """Warn if weights give features of an odd scale, as they do for pixels of another kind.

    ``features`` see noise of a photo's spectrum and colors, less ``mean`` over ``std`` (3 each, of
    RGB pixels in [0, 1]). Where all is right, the geometric mean of all ReLUs' means is about 1 for
    torchvision's weights and those trained with batch norm, and 120 for Oxford's VGG-19. That one
    gives 3.5 for pixels over ImageNet's deviations, 28 over 1, and 6,800 the other way round.

    Raises:
        UserError: features that are not finite, or all 0. ``origin`` is what it calls the weights.
    """
    shown = (
        photo_like_noise(_CHECKED_SIDE) * _spread(IMAGENET_STD) + _spread(IMAGENET_MEAN)
    ).clamp(0, 1)
    x, means = (shown - _spread(mean)) / _spread(std), []
    for module in features.eval():
        x = module(x)
        means += [x.mean().log()] if isinstance(module, nn.ReLU) else []
    typical = torch.stack(means).mean().exp().item()
    if not 0 < typical < math.inf:
        raise UserError(f"{origin}: on a made-up picture its features are {typical:.3g}")
    if not any(low <= typical <= high for low, high in _USUAL):
        log.warning(
            "%s: on a made-up picture its features are %.3g, where 1 is usual, or 100 for Caffe's"
            " weights; are they for other pixels? See encoder.mean, std, channels and range",
            origin,
            typical,
        )


def photo_like_noise(side: int = 256) -> Tensor:
    """Noise whose amplitude falls with frequency as in photos, in ImageNet's normalized units."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.fft.rfft2(torch.randn(1, 3, side, side, generator=generator))
    vertical = torch.fft.fftfreq(side)[:, None]
    frequency = torch.hypot(vertical, torch.fft.rfftfreq(side)[None]).clamp_min(1 / side)
    photo: Tensor = torch.fft.irfft2(noise / frequency, s=(side, side))
    return photo / photo.std()


def _spread(values: Sequence[float]) -> Tensor:
    return torch.tensor(values).view(1, 3, 1, 1)
