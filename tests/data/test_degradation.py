import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from faststyle.data.degradation import degrade

Matrix = npt.NDArray[np.float64]


def blur(length: int) -> Matrix:
    """A Gaussian of one pixel for a column, cut off at four pixels and reflected at its ends."""
    weights = [math.exp(-(offset**2) / 2) for offset in range(-4, 5)]
    result = np.zeros((length, length))
    for row in range(length):
        for offset in range(-4, 5):
            place = abs(row + offset)
            place = 2 * (length - 1) - place if place >= length else place
            result[row, place] += weights[offset + 4] / sum(weights)
    return result


def bicubic(length: int, factor: int) -> Matrix:
    """Keys' kernel (a = -1/2), as wide as ``factor`` pixels, for a column; weights add up to 1."""
    result = np.zeros((length // factor, length))
    for row in range(length // factor):
        for place in range(length):
            d = abs((place + 0.5) / factor - (row + 0.5))
            if d <= 1:
                result[row, place] = 1.5 * d**3 - 2.5 * d**2 + 1
            elif d < 2:
                result[row, place] = -0.5 * (d**3 - 5 * d**2 + 8 * d - 4)
    scaled: Matrix = result / result.sum(1, keepdims=True)
    return scaled


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_small_pictures_are_blurred_scaled_and_rounded(factor: int) -> None:
    picture = np.random.default_rng(0).random((2, 3, 32, 48))
    down, across = (bicubic(side, factor) @ blur(side) for side in (32, 48))
    expected = np.clip(down @ picture @ across.T, 0, 1)
    found = degrade(torch.from_numpy(picture), factor).numpy() * 255
    assert found.shape == (2, 3, 32 // factor, 48 // factor)
    assert np.abs(found - np.rint(found)).max() < 1e-9
    assert np.abs(found - 255 * expected).max() < 0.5 + 1e-6


def test_the_kernel_is_pillows() -> None:
    channel = np.random.default_rng(0).random((32, 48)).astype(np.float32)
    scaled = np.asarray(Image.fromarray(channel).resize((12, 8), Image.Resampling.BICUBIC))
    found = bicubic(32, 4) @ channel.astype(np.float64) @ bicubic(48, 4).T
    assert np.abs(found - scaled).max() < 1e-5


def test_small_pictures_are_the_same_under_autocast() -> None:
    pictures = torch.rand(2, 3, 24, 32)
    plain = degrade(pictures, 4)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(degrade(pictures, 4), plain, rtol=0, atol=0)
