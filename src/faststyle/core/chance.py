"""Random numbers of a run: a function of its seed, of what they are for, and of a place in it."""

from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """What numbers are drawn for; no two share any."""

    CROP = 1
    STYLE = 2
    PHOTO_NOISE = 3
    VIEW = 5
    NETWORK_NOISE = 6
    LOSS = 7
    PAINTING = 8
    PHOTO_STYLE = 9


def numpy_generator(seed: int, purpose: Purpose, place: int) -> np.random.Generator:
    """NumPy's generator for a place: a step, or a sample's number in the whole run."""
    return np.random.default_rng((seed, purpose, place))


def torch_seed(seed: int, purpose: Purpose, place: int) -> int:
    """A seed for torch, 0 to 2^63 - 1."""
    state = np.random.SeedSequence((seed, purpose, place)).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def torch_generator(
    seed: int, purpose: Purpose, place: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Torch's generator for a place, as of :func:`numpy_generator`."""
    return torch.Generator(device).manual_seed(torch_seed(seed, purpose, place))
