import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.exposure import match_histograms
from torch import Tensor

from faststyle.stylize.color import recolor_of
from faststyle.stylize.options import COLORS


def _picture(seed: int, low: float = 0.1, high: float = 0.9, size: int = 40) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    colors = torch.rand(3, size, size, generator=generator)
    mixing = torch.rand(3, 3, generator=generator) + torch.eye(3)
    mixed = torch.einsum("ij,jhw->ihw", mixing / mixing.sum(1, True), colors)
    return low + (high - low) * mixed


def _oklab(picture: Tensor) -> Tensor:
    """Ottosson's two matrices, in float64: (P, 3)."""
    srgb = picture.double().flatten(1).T
    linear = torch.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    lms = linear @ torch.tensor(to_lms, dtype=torch.float64).T
    return lms ** (1 / 3) @ torch.tensor(to_lab, dtype=torch.float64).T


def _recolored(
    color: str, stylized: Tensor, photo: Tensor, weights: Tensor | None = None
) -> Tensor:
    return recolor_of(color, stylized, photo, weights)(stylized[None], photo[None])[0]


def test_by_mean_the_result_has_the_mean_and_covariance_of_the_photos_colors() -> None:
    photo = _picture(1, 0.4, 0.6)  # so narrow that nothing is cut off
    result = _oklab(_recolored("mean", _picture(2), photo))
    expected = _oklab(photo)
    torch.testing.assert_close(result.mean(0), expected.mean(0), rtol=0, atol=1e-4)
    torch.testing.assert_close(result.T.cov(), expected.T.cov(), rtol=0.02, atol=2e-6)


def test_by_histogram_each_coordinate_has_the_photos_distribution() -> None:
    stylized, photo = _picture(2), _picture(1, 0.3, 0.7)
    result = _oklab(_recolored("hist", stylized, photo))
    expected = match_histograms(_oklab(stylized).numpy(), _oklab(photo).numpy(), channel_axis=1)
    # Of the brightest and most colorful, some lie beyond what a screen shows.
    assert np.quantile(np.abs(result.numpy() - expected), 0.99) < 0.002


@pytest.mark.parametrize("color", ["mean", "hist"])
def test_a_picture_in_the_photos_colors_already_stays(color: str) -> None:
    photo = _picture(3)
    mirrored = photo.flip(2)
    assert (_recolored(color, mirrored, photo) - mirrored).abs().max() < 0.01


@pytest.mark.parametrize("color", ["mean", "hist"])
def test_only_pixels_that_count_decide(color: str) -> None:
    stylized, photo = _picture(1), _picture(2)
    weights = torch.zeros(40, 40, dtype=torch.uint8)
    weights[:20] = 255
    found = _recolored(color, stylized, photo, weights)[:, :20]
    expected = _recolored(color, stylized[:, :20], photo[:, :20])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("color", COLORS)
@settings(deadline=None, max_examples=15)
@given(st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_flat_pictures_become_colors_that_a_screen_shows(
    color: str, stylized: float, photo: float, are_bytes: bool
) -> None:
    pictures = [torch.full((3, 9, 7), value) for value in (stylized, photo)]
    if are_bytes:
        pictures = [(255 * picture).to(torch.uint8) for picture in pictures]
    recolor = recolor_of(color, pictures[0], pictures[1], None)
    found = recolor(*(picture[None] / (255 if are_bytes else 1) for picture in pictures))
    assert ((found >= 0) & (found <= 1)).all()
    if color in ("mean", "hist", "photo"):
        assert (found - photo if color != "photo" else found - stylized).abs().max() < 0.02
