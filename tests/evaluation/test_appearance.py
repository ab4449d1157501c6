import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.evaluation.appearance import contrast, frame, layout, saturation


def _smooth(seed: int, count: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 8, generator=generator, dtype=torch.float64)
    return F.interpolate(coarse, (96, 128), mode="bicubic").clamp(0, 1)


def test_contrast_is_the_deviation_of_luma() -> None:
    pictures = _smooth(0, 2)
    red, green, blue = pictures.numpy().transpose(1, 0, 2, 3)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    np.testing.assert_allclose(contrast(pictures).numpy(), luma.reshape(2, -1).std(1), rtol=0.05)
    assert contrast(torch.full((1, 3, 8, 8), 0.3)).item() == pytest.approx(0, abs=1e-6)
    half = torch.zeros(1, 3, 8, 8)
    half[..., :4] = 1
    assert contrast(half).item() == pytest.approx(0.5)


def test_saturation_is_0_of_grays_and_1_of_pure_colors() -> None:
    assert saturation(torch.rand(1, 1, 8, 8).expand(1, 3, 8, 8)).item() == 0
    pure = torch.zeros(1, 3, 8, 8)
    pure[:, 1] = 1
    assert saturation(pure).item() == 1


def test_layout_is_1_of_the_photo_in_other_contrast_and_minus_1_of_its_negative() -> None:
    photo = _smooth(1)
    assert layout(0.2 + 0.3 * photo, photo).item() == pytest.approx(1)
    assert layout(1 - photo, photo).item() == pytest.approx(-1)
    assert layout(torch.full_like(photo, 0.5), photo).item() == 0


def test_layout_does_not_see_strokes_and_sees_things_that_moved() -> None:
    photo = _smooth(2)
    strokes = torch.rand(1, 1, 96, 128, generator=torch.Generator().manual_seed(0)) - 0.5
    assert layout(photo + 0.3 * strokes, photo).item() > 0.95
    assert abs(layout(photo.roll((40, 60), (2, 3)), photo).item()) < 0.6


def test_a_frame_counts_in_gray_levels_and_the_photos_own_does_not() -> None:
    photo = _smooth(3)
    framed = photo.clone()
    for border in (framed[:, :, :16], framed[:, :, -16:]):
        border += 0.1
    assert frame(photo, photo).item() == 0
    # Of four sides two stand out; at the ends of the others the same ring does not matter.
    assert frame(framed, photo).item() == pytest.approx(25.5 * 0.5**0.5, rel=0.05)
    assert frame(framed, framed).item() == 0


def test_a_bar_along_one_side_is_a_frame_too() -> None:
    photo = _smooth(4)
    barred = photo.clone()
    barred[:, 0, :, :12] += 0.2
    assert frame(barred, photo).item() > 5
    assert frame(photo.roll(1, 1) * 0.9, photo.roll(1, 1)).item() < 4
