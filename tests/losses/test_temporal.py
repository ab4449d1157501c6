import math
from typing import Any

import pytest
import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.losses.temporal import TemporalLoss, Views
from faststyle.networks import pad_to_multiple

STILL = {"shift": 0.0, "zoom": 0.0, "turn": 0.0, "noise": 0.0, "light": 0.0}


def smooth(count: int = 2, height: int = 48, width: int = 64) -> Tensor:
    """Photos without fine detail, which any way of moving them keeps."""
    coarse = torch.rand(count, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    size = (height, width)
    return torch.nn.functional.interpolate(coarse, size, mode="bicubic", align_corners=True).clamp(
        0.05, 0.9
    )


def test_views_of_one_seed_are_the_same_and_of_others_are_not() -> None:
    photos, loss = smooth(1), TemporalLoss(1.0)
    first, again, other = (loss.views(photos, range(seed, seed + 1)) for seed in (3, 3, 4))
    assert torch.equal(first.photos, again.photos)
    assert not torch.equal(first.photos, other.photos)


def test_a_photo_has_the_same_view_in_whatever_batch_it_is() -> None:
    photos, loss = smooth(3), TemporalLoss(1.0)
    together = loss.views(photos, range(5, 8))
    alone = loss.views(photos[2:], range(7, 8))
    assert torch.equal(together.photos[2:], alone.photos)
    assert torch.equal(together.seen[2:], alone.seen)


def test_a_network_that_changes_nothing_flickers_not_though_the_light_changes() -> None:
    photos = smooth()
    loss = TemporalLoss(1.0, noise=0.0, light=0.0)
    views = loss.views(photos, range(2))
    assert loss(photos, views.photos, views).max() < 1e-5
    lit = TemporalLoss(1.0, noise=0.0, light=0.2)
    views = lit.views(photos, range(2))
    gray = photos.mean(1, keepdim=True).expand_as(photos)
    change = views.photos.mean(1, keepdim=True).expand_as(photos)
    assert lit(gray, change, views).max() < 1e-3


def test_a_shift_is_what_it_is_called() -> None:
    photos = smooth(1, 64, 64)
    loss = TemporalLoss(1.0, **(STILL | {"shift": 0.125}))
    views = loss.views(photos, range(1))
    y, x = torch.meshgrid(*2 * [(torch.arange(64) + 0.5) / 32 - 1], indexing="ij")
    moved = views.grid[0] - torch.stack((x, y), -1)
    pixels = moved * 32
    assert (pixels - pixels[0, 0]).abs().max() < 1e-4, "all by the same"
    assert 0 < pixels.abs().max() <= 0.125 * 64 + 1e-4


def test_a_turn_keeps_lengths_though_the_picture_is_longer_than_high() -> None:
    loss = TemporalLoss(1.0, **(STILL | {"turn": 40.0}))
    [grid] = loss.views(smooth(1, 40, 80), range(1)).grid
    pixels = grid * torch.tensor([40.0, 20.0])
    right, down = pixels[0, 1] - pixels[0, 0], pixels[1, 0] - pixels[0, 0]
    assert right.norm().item() == pytest.approx(1, abs=1e-4)
    assert down.norm().item() == pytest.approx(1, abs=1e-4)
    assert (right @ down).item() == pytest.approx(0, abs=1e-4)
    assert 0 < abs(math.degrees(math.atan2(right[1], right[0]))) <= 40


def test_what_only_one_view_sees_does_not_count() -> None:
    photos, loss = smooth(), TemporalLoss(1.0)
    views = loss.views(photos, range(2))
    assert 0.5 < views.seen.mean().item() < 0.99
    second = torch.where(views.seen == 1, photos, torch.rand_like(photos))
    assert torch.equal(loss(photos, second, views), loss(photos, photos * views.seen, views))


def test_it_is_the_formula() -> None:
    loss = TemporalLoss(7.0)
    y, x = torch.meshgrid(*2 * [(torch.arange(4) + 0.5) / 2 - 1], indexing="ij")
    identity = torch.stack((x, y), -1)[None].double()
    generator = torch.Generator().manual_seed(0)
    first, second = torch.rand(2, 1, 3, 4, 4, dtype=torch.float64, generator=generator)
    brighter = torch.rand(1, 1, 4, 4, dtype=torch.float64, generator=generator)
    seen = (torch.rand(1, 1, 4, 4, generator=generator) > 0.4).double()
    views = Views(second, brighter, identity, seen)
    total, pixels = 0.0, 0
    for i in range(4):
        for j in range(4):
            if seen[0, 0, i, j]:
                pixels += 1
                for c in range(3):
                    change = second[0, c, i, j] - first[0, c, i, j] - brighter[0, 0, i, j]
                    total += change.item() ** 2 / 3
    assert loss(first, second, views).item() == pytest.approx(7 * total / pixels, rel=1e-6)


def _hand_made_views(side: int = 8) -> Views:
    """Two pixels of the second view to the right are four of the first: a zoom, and a step."""
    places = torch.arange(side, dtype=torch.float64)
    y, x = torch.meshgrid((2 * places + 1) / side - 1, (places + 5) / side - 1, indexing="ij")
    seen = torch.ones(1, 1, side, side, dtype=torch.float64)
    seen[0, 0, 5, 1] = 0
    return Views(seen.expand(1, 3, side, side), 0 * seen, torch.stack((x, y), -1)[None], seen)


def test_the_term_of_features_is_the_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 1, 5, 4, 4, dtype=torch.float64, generator=generator)
    loss = TemporalLoss(0.0, feature_weight=7.0)
    found = loss.of_features(first, second, _hand_made_views(), 2)
    total, places = 0.0, 0
    for i in range(4):
        for j in range(4):
            if (i, j) == (2, 0):
                continue  # of one of its pixels
            places += 1
            # Pixels 2j and 2j + 1 come from x = 2 + j and 2.5 + j, which are features 1 + ... / 2.
            x = ((2 * j + 5) / 2 + (2 * j + 1 + 5) / 2 - 1) / 2
            feature = (x + 0.5) / 2 - 0.5
            for c in range(5):
                total += (second[0, c, i, j] - _cubic(first[0, c, i], feature)).item() ** 2 / 5
    energy = (first.square().mean() + second.square().mean()).item() / 2
    assert found.item() == pytest.approx(7 * total / places / energy, rel=1e-9)


def _cubic(row: Tensor, at: float) -> float:
    """Keys' cubic convolution (1981) with a = -0.75 of a row that is mirrored at its ends."""

    def kernel(t: float) -> float:
        t, a = abs(t), -0.75
        if t <= 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * (t**3 - 5 * t**2 + 8 * t - 4) if t < 2 else 0.0

    total = 0.0
    for k in range(math.floor(at) - 1, math.floor(at) + 3):
        inside = -1 - k if k < 0 else min(k, 2 * len(row) - 1 - k)
        total += kernel(at - k) * row[inside].item()
    return total


@pytest.mark.parametrize(("height", "width"), [(64, 96), (61, 94)])
def test_features_that_move_with_the_photo_have_no_loss(height: int, width: int) -> None:
    photos = smooth(2, height, width)
    loss = TemporalLoss(1.0, noise=0.0, light=0.0, feature_weight=1.0)
    views = loss.views(photos, range(2))

    def features(pictures: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool2d(pad_to_multiple(pictures, minimum=8), 4)

    first, second = features(photos), features(views.photos)
    assert loss.of_features(first, second, views, 4).max() < 2e-4
    assert loss.of_features(first, first, views, 4).min() > 2e-3, "the motion counts"


def test_the_term_of_features_means_the_same_whatever_their_scale_and_has_a_gradient() -> None:
    photos = smooth()
    loss = TemporalLoss(1.0, feature_weight=2.0)
    views = loss.views(photos, range(2))
    first, second = torch.randn(2, 2, 8, 12, 16, requires_grad=True).unbind()
    term = loss.of_features(first, second, views, 4)
    torch.testing.assert_close(loss.of_features(10 * first, 10 * second, views, 4), term)
    [gradient] = torch.autograd.grad(term.sum(), [second])
    # Squares without what they are relative to: a sum of gradient times features is twice these.
    [of_first] = torch.autograd.grad(loss.of_features(first, second, views, 4).sum(), [first])
    torch.testing.assert_close((gradient * second + of_first * first).sum(), 2 * term.sum())


@pytest.mark.parametrize("constant", [0.0, 0.5])
def test_features_of_a_bare_surface_have_a_finite_loss(constant: float) -> None:
    photos = smooth(1)
    loss = TemporalLoss(1.0, feature_weight=1.0)
    views = loss.views(photos, range(1))
    features = torch.full((1, 3, 12, 16), constant)
    assert loss.of_features(features, features, views, 4).item() < 1e-9
    assert loss.of_features(0 * features, torch.rand(1, 3, 12, 16), views, 4).item() < 4


def test_noise_of_the_second_view_is_no_change_of_light() -> None:
    photos = smooth(1)
    quiet, noisy = (TemporalLoss(1.0, noise=noise).views(photos, range(1)) for noise in (0, 8))
    assert not torch.equal(quiet.photos, noisy.photos)
    assert torch.equal(quiet.brighter, noisy.brighter)


def test_reduced_precision_around_it_moves_nothing() -> None:
    photos, loss = smooth(1), TemporalLoss(1.0)
    exact = loss.views(photos, range(1))
    with torch.autocast("cpu", torch.bfloat16):
        found = loss.views(photos, range(1))
        term = loss(photos, found.photos, found)
    assert torch.equal(found.grid, exact.grid)
    assert torch.equal(found.photos, exact.photos)
    torch.testing.assert_close(term, loss(photos, exact.photos, exact))
    assert loss.views(photos.bfloat16(), range(1)).grid.dtype == torch.float32


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight": -1.0},
        {"weight": 1.0, "zoom": float("nan")},
        {"weight": math.inf},
        {"weight": 1.0, "feature_weight": -1.0},
    ],
)
def test_values_below_zero_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"temporal\.\w+ is .*; it must be a number, 0 or more"):
        TemporalLoss(**wrong)


def test_a_zoom_that_turns_the_view_inside_out_is_refused() -> None:
    with pytest.raises(UserError, match="must be below 1"):
        TemporalLoss(1.0, zoom=1.0)
