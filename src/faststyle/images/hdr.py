"""High dynamic range (PQ and HLG, ITU-R BT.2100) brought to ordinary range.

The style is a painting, and paintings have no light of their own. Up to half of reference white
(203 cd/m2, BT.2408) light stays as it is, above it is compressed so that 1000 cd/m2 becomes the
brightest white.
"""

import math

import torch
from torch import Tensor

#: Numbers of ITU-T H.273, which are FFmpeg's, of transfer functions and of primaries.
HDR = PQ, HLG = 16, 18
BT709, BT2020 = 1, 9
#: Of the screens for which :func:`tone_map` encodes, BT.1886.
SCREEN_GAMMA = 2.4

_WHITE, _PEAK = 203.0, 1000.0  # cd/m2
_KNEE = 0.5
_TO_709 = torch.tensor(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)
_LUMA = torch.tensor([0.2627, 0.6780, 0.0593])


def tone_map(signal: Tensor, transfer: int, primaries: int) -> Tensor:
    """Bring pixels in PQ or HLG, float32 (H, W, 3) in [0, 1], to ordinary screens (BT.709).

    The result is in [0, 1], too. ``transfer`` and ``primaries`` are H.273's numbers of what the
    file has; other primaries than BT.2020's stay.
    """
    light = (from_pq(signal) if transfer == PQ else from_hlg(signal)) / _WHITE
    if primaries == BT2020:
        light = (light @ _TO_709.T).clamp_(min=0)
    brightest = light.amax(-1, keepdim=True)
    light *= compress(brightest) / brightest.clamp(min=1e-6)
    return light.clamp_(0, 1) ** (1 / SCREEN_GAMMA)


def from_pq(signal: Tensor) -> Tensor:
    """The light in cd/m2 that PQ means (SMPTE ST 2084)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = signal ** (1 / m2)
    return 10000 * ((power - c1).clamp(min=0) / (c2 - c3 * power)) ** (1 / m1)


def from_hlg(signal: Tensor) -> Tensor:
    """The light in cd/m2 that HLG means on a screen of 1000 (BT.2100); (..., 3)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * math.log(4 * a)
    scene = torch.where(signal <= 0.5, signal**2 / 3, (((signal - c) / a).exp() + b) / 12)
    brightness = (scene @ _LUMA.to(scene)).clamp(min=1e-9)[..., None]
    return _PEAK * brightness**0.2 * scene


def compress(light: Tensor) -> Tensor:
    """Light relative to reference white to 0..1: straight below the knee, smoothly bent above."""
    peak = (_PEAK / _WHITE - _KNEE) / (1 - _KNEE)
    over = (light - _KNEE).clamp(min=0) / (1 - _KNEE)
    bent = _KNEE + (1 - _KNEE) * over * (1 + over / peak**2) / (1 + over)
    return torch.where(light > _KNEE, bent, light)
