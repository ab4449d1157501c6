import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faststyle.images.arrays import everywhere
from faststyle.stylize.masks import alpha_blend, bounding_box, composite_alphas, feather, opacity


def _half(height: int = 20, width: int = 30) -> torch.Tensor:
    mask = torch.zeros(1, height, width, dtype=torch.uint8)
    mask[..., : width // 2] = 255
    return mask


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
