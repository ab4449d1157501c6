from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from faststyle.evaluation.patches import laplacian_pyramid, patch_distances


def noise(height: int, width: int, seed: int) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def waves(period: float, side: int = 192) -> Tensor:
    """Gray stripes with as much energy whatever their period."""
    row = 0.5 + 0.3 * torch.cos(2 * torch.pi * torch.arange(side) / period)
    return row.expand(3, side, side)


@settings(max_examples=20, deadline=None)
@given(height=st.integers(32, 130), width=st.integers(32, 130))
def test_levels_halve_down_to_32_pixels(height: int, width: int) -> None:
    sides = [min(level.shape[-2:]) for level in laplacian_pyramid(noise(height, width, 0))]
    assert sides[0] == min(height, width)
    assert all(second == (first + 1) // 2 for first, second in pairwise(sides))
    assert sides[-1] >= 32 > (sides[-1] + 1) // 2


def test_a_wave_is_found_at_the_level_of_its_period() -> None:
    for period, strongest in ((3, 0), (8, 1), (16, 2)):
        energies = [level.square().mean().item() for level in laplacian_pyramid(waves(period))]
        assert energies.index(max(energies)) == strongest


def test_a_picture_is_closest_to_itself() -> None:
    picture = noise(96, 128, 0)
    again, other = patch_distances(picture, picture), patch_distances(picture, waves(16))
    assert all(mine < 0.1 * theirs for mine, theirs in zip(again, other, strict=False))


def test_it_does_not_matter_where_in_the_picture_a_patch_is() -> None:
    picture = noise(96, 96, 0)
    turned = picture.roll((30, 50), (1, 2))
    assert max(patch_distances(turned, picture)[:2]) < 0.05


def test_strokes_are_missed_at_the_fine_scales_and_forms_at_the_coarse_ones() -> None:
    strokes, forms = waves(4), waves(24)
    painting = strokes + forms
    with_other_strokes = patch_distances(strokes.mT + forms, painting)
    with_other_forms = patch_distances(strokes + forms.mT, painting)
    assert with_other_strokes[0] > 2 * with_other_forms[0]
    assert with_other_forms[2] > 2 * with_other_strokes[2]


def test_contrast_and_color_do_not_count() -> None:
    picture = noise(96, 96, 0)
    paler = 0.4 + 0.5 * picture * torch.tensor([0.3, 1.0, 0.6]).view(3, 1, 1)
    assert max(patch_distances(paler, picture)[:2]) < 0.05


def test_a_picture_of_one_color_is_as_far_as_the_quantiles_of_the_painting() -> None:
    generator = torch.Generator().manual_seed(0)
    painting = 0.5 + 0.05 * torch.randn(3, 60, 60, generator=generator)
    [distance] = patch_distances(torch.full((3, 60, 60), 0.5), painting)
    assert distance == pytest.approx((2 / torch.pi) ** 0.5, rel=0.05)  # of normal values


def test_the_same_seed_gives_the_same_distances() -> None:
    picture, painting = noise(64, 64, 0), noise(70, 64, 1)
    assert patch_distances(picture, painting, 3) == patch_distances(picture, painting, 3)


def test_a_picture_without_room_for_patches_is_refused() -> None:
    with pytest.raises(ValueError, match="32 pixels or more"):
        patch_distances(noise(31, 64, 0), noise(64, 64, 1))
