"""A VGG rescaled so that every layer's activations are 1 in the mean (Gatys et al., 2016, s. 2)."""

import torch
from torch import Tensor, nn

_SIDE = 256


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


def photo_like_noise() -> Tensor:
    """Noise whose amplitude falls with frequency as in photos, in ImageNet's normalized units."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.fft.rfft2(torch.randn(1, 3, _SIDE, _SIDE, generator=generator))
    vertical = torch.fft.fftfreq(_SIDE)[:, None]
    frequency = torch.hypot(vertical, torch.fft.rfftfreq(_SIDE)[None]).clamp_min(1 / _SIDE)
    photo: Tensor = torch.fft.irfft2(noise / frequency, s=(_SIDE, _SIDE))
    return photo / photo.std()
