"""Light of high dynamic range as ordinary screens show it.

The style is a painting, and paintings have no light of their own. So clips in HLG or PQ (ITU-R
BT.2100) are brought to ordinary range first: up to half of reference white (203 cd/m2, BT.2408)
light stays as it is, above it is compressed so that 1000 cd/m2 becomes the brightest white.
"""

import math

import torch
from torch import Tensor

#: FFmpeg's numbers of transfer functions and of primaries.
PQ, HLG = 16, 18
BT709 = 1
_BT2020 = 9

_WHITE, _PEAK = 203.0, 1000.0  # cd/m2
_KNEE = 0.5
_GAMMA = 2.4  # of screens, BT.1886
_TO_709 = torch.tensor(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)
_LUMA = torch.tensor([0.2627, 0.6780, 0.0593])


def is_hdr(transfer: int) -> bool:
    """Whether a clip of this transfer function has high dynamic range."""
    return transfer in (PQ, HLG)


def tone_map(signal: Tensor, transfer: int, primaries: int) -> Tensor:
    """Bring a frame in PQ or HLG to ordinary screens (BT.709).

    Args:
        signal: float32 (H, W, 3) in [0, 1], as the file has it.
        transfer: which of the two it is in.
        primaries: FFmpeg's number of those that it is in.

    Returns:
        The same shape, in [0, 1].
    """
    light = (from_pq(signal) if transfer == PQ else from_hlg(signal)) / _WHITE
    if primaries == _BT2020:
        light = (light @ _TO_709.T).clamp_(min=0)
    brightest = light.amax(-1, keepdim=True)
    light *= compress(brightest) / brightest.clamp(min=1e-6)
    return light.clamp_(0, 1) ** (1 / _GAMMA)


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
