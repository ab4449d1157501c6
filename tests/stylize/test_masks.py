from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.stylize.masks import (
    alpha_blend,
    bounding_box,
    composite_alphas,
    everywhere,
    feather,
    fit_mask,
    leave_gaps,
    opacity,
    overlap,
    read_mask,
)


def _half(height: int = 20, width: int = 30) -> torch.Tensor:
    mask = torch.zeros(1, height, width, dtype=torch.uint8)
    mask[..., : width // 2] = 255
    return mask


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P"])
def test_white_is_there_and_black_is_not(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(_half()[0].numpy()).convert(mode)
    image.save(tmp_path / "mask.png")
    assert torch.equal(read_mask(tmp_path / "mask.png"), _half())


def test_in_a_jpeg_white_and_black_are_so_too(tmp_path: Path) -> None:
    mask = _half(64, 96)
    Image.fromarray(mask[0].numpy()).save(tmp_path / "mask.jpg", quality=75)
    found = read_mask(tmp_path / "mask.jpg")
    assert torch.equal(found[..., :40], mask[..., :40])
    assert torch.equal(found[..., 56:], mask[..., 56:])


def test_gray_is_between(tmp_path: Path) -> None:
    Image.new("L", (8, 8), 128).save(tmp_path / "mask.png")
    assert (read_mask(tmp_path / "mask.png") == 128).all()


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    image = Image.new("L", (30, 20), 255)
    image.putalpha(Image.fromarray(_half()[0].numpy()))
    image.save(tmp_path / "mask.png")
    assert torch.equal(read_mask(tmp_path / "mask.png"), _half())


def test_a_mask_is_scaled_to_its_photo() -> None:
    found = fit_mask(_half(), (200, 300), "m")
    assert found.shape == (1, 200, 300)
    assert (found[..., :140] == 255).all()
    assert (found[..., 160:] == 0).all()


@pytest.mark.parametrize("size", [(300, 200), (20, 40), (20, 26)])
def test_a_mask_of_another_shape_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=r"the mask sky\.png has 30 x 20 pixels and the photo"):
        fit_mask(_half(), size, "sky.png")


@pytest.mark.parametrize(("mask", "photo"), [((1, 90), (90, 1)), ((90, 1), (1, 90))])
def test_of_the_thinnest_pictures_likewise(mask: tuple[int, int], photo: tuple[int, int]) -> None:
    with pytest.raises(UserError, match="that is another shape"):
        fit_mask(everywhere(mask), photo, "m")


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 400))
def test_a_mask_that_was_scaled_with_its_photo_fits(height: int, width: int, side: int) -> None:
    factor = side / min(height, width)
    scaled = max(1, round(height * factor)), max(1, round(width * factor))
    assert fit_mask(everywhere((height, width)), scaled, "m").shape == (1, *scaled)


def test_feathered_edges_are_soft_over_as_many_pixels() -> None:
    row = feather(_half(20, 200), 40)[0, 10].float()
    assert (row.diff() <= 0).all()
    soft = ((row > 255 * 0.025) & (row < 255 * 0.975)).sum().item()
    assert soft == pytest.approx(40, abs=4)
    assert row[99:101].mean() == pytest.approx(127.5, abs=2)


@given(arrays(np.uint8, (3, 2, 4)))
def test_a_mask_has_its_share_of_what_those_over_it_leave(values: object) -> None:
    masks = torch.from_numpy(values)
    from_the_top = masks.int().flip(0).cumsum(0).clamp(max=255)
    expected = from_the_top.diff(dim=0, prepend=torch.zeros(1, 2, 4)).flip(0)
    assert torch.equal(composite_alphas(masks).float(), expected)


@given(arrays(np.uint8, (3, 2, 4)), st.sampled_from([[[0], [1], [2]], [[0, 1, 2]], [[0, 1], [2]]]))
def test_layers_of_that_opacity_leave_of_each_what_is_seen(
    values: object, layers: list[list[int]]
) -> None:
    seen = composite_alphas(torch.from_numpy(values))
    shares = torch.zeros(3, 2, 4)
    for layer in layers:
        opaque = opacity(seen, layer)
        within = seen[layer] / seen[layer].sum(0).clamp(min=1)
        shares *= 1 - opaque
        shares[layer] += within * opaque
    torch.testing.assert_close(shares, seen / 255)


def test_where_masks_are_white_nothing_is_left_for_those_below() -> None:
    seen = composite_alphas(torch.cat((everywhere((20, 30)), _half())))
    assert torch.equal(seen, torch.cat((255 - _half(), _half())))


@given(st.integers(0, 19), st.integers(0, 29), st.integers(0, 8))
def test_the_rectangle_around_a_mask_has_all_of_it_and_a_margin(
    row: int, column: int, margin: int
) -> None:
    mask = torch.zeros(20, 30, dtype=torch.uint8)
    mask[row, column] = 1
    rows, columns = bounding_box(mask, margin)
    inside = mask[rows, columns]
    assert inside.sum() == 1
    high, wide = (
        min(at + margin, end - 1) - max(0, at - margin) + 1 for at, end in ((row, 20), (column, 30))
    )
    assert inside.shape == (high, wide)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_a_picture_stays_to_the_bit_where_a_mask_is_black(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    picture, other = (torch.rand(3, 20, 30, generator=generator) * 255 for _ in range(2))
    if dtype != torch.uint8:
        picture, other = picture / 255, other / 255
    before, other = picture.to(dtype), other.to(dtype)
    laid = before.clone()
    alpha_blend(laid, other, _half()[0])
    assert torch.equal(laid[..., 15:], before[..., 15:])
    torch.testing.assert_close(laid[..., :15], other[..., :15])


def test_overlaps_and_gaps_are_seen() -> None:
    left, right = _half(), 255 - _half()
    assert not overlap(torch.cat((left, right)))
    assert not leave_gaps(torch.cat((left, right)))
    assert overlap(torch.cat((left, left)))
    assert leave_gaps(torch.cat((left, left)))
