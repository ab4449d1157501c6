import numpy as np
import torch

from faststyle.data.synthetic import DeadLeaves, dead_leaves


def test_pictures_are_a_function_of_seed_and_number() -> None:
    first, same = DeadLeaves(10, 32, seed=1), DeadLeaves(10, 32, seed=1)
    assert torch.equal(first.center_crop(3), same.center_crop(3))
    assert not torch.equal(first.center_crop(3), first.center_crop(4))
    assert not torch.equal(first.center_crop(3), DeadLeaves(10, 32, seed=2).center_crop(3))


def test_pictures_have_the_shape_asked_for() -> None:
    photos = DeadLeaves(7, 40)
    assert len(photos) == 7
    assert photos.random_crop(0, np.random.default_rng(0)).shape == (3, 40, 40)


def test_their_spectrum_falls_off_like_a_photos() -> None:
    # Field (1987): the power of natural pictures falls as 1 / f^a, a about 2 (1.2 to 3.2 seen).
    powers = []
    for seed in range(12):
        gray = np.asarray(dead_leaves(np.random.default_rng(seed), 128).convert("L"), dtype=float)
        window = np.outer(np.hanning(128), np.hanning(128))
        powers.append(np.abs(np.fft.fft2((gray - gray.mean()) * window)) ** 2)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    bands = [(2**-i, 2 ** (-i + 1)) for i in (5, 4, 3, 2)]
    mean = np.mean(powers, axis=0)
    levels = [mean[(frequency >= low) & (frequency < high)].mean() for low, high in bands]
    slope = np.polyfit(np.log2([low for low, _ in bands]), np.log2(levels), 1)[0]
    assert -3.2 < slope < -1.2
