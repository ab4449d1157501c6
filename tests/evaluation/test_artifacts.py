import math

import pytest
import torch
from torch import Tensor

from faststyle.evaluation import artifacts


def smooth(side: int = 192, seed: int = 0) -> Tensor:
    """A picture without detail, (1, 3, S, S)."""
    coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    picture = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic")
    return picture.clamp(0.1, 0.9)


def noisy(side: int = 192) -> Tensor:
    noise = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    return smooth(side) * 0.8 + 0.1 * noise


def test_noise_has_no_peak_at_the_strides_frequencies() -> None:
    assert artifacts.checkerboard(noisy(512)).abs().item() < 0.5


@pytest.mark.parametrize("period", [2, 4])
def test_a_checkerboard_is_found_though_too_faint_to_be_seen(period: int) -> None:
    y, x = torch.meshgrid(torch.arange(192), torch.arange(192), indexing="ij")
    board = torch.cos(2 * math.pi * x / period) * torch.cos(2 * math.pi * y / period)
    assert artifacts.checkerboard(noisy() + 0.004 * board).item() > 2


def test_a_pattern_of_another_period_is_no_checkerboard() -> None:
    wave = 0.05 * torch.cos(2 * math.pi * torch.arange(512) / 6.1)
    assert artifacts.checkerboard(noisy(512) + wave).abs().item() < 0.5


def test_a_picture_of_one_color_has_no_peak() -> None:
    assert artifacts.checkerboard(torch.full((1, 3, 192, 192), 0.7)).item() == pytest.approx(0)


def test_a_picture_smaller_than_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="64 pixels or more"):
        artifacts.checkerboard(torch.rand(1, 3, 64, 63))


def test_a_filter_that_reflects_has_less_border_than_one_that_pads_with_black() -> None:
    def blurred(mode: str) -> artifacts.Stylize:
        def blur(x: Tensor) -> Tensor:
            padded = torch.nn.functional.pad(x, (4, 4, 4, 4), mode=mode)
            return torch.nn.functional.avg_pool2d(padded, 9, 1) + 1e-3 * x.mean()

        return blur

    black = artifacts.border_error(blurred("constant"), noisy(320)).item()
    reflected = artifacts.border_error(blurred("reflect"), noisy(320)).item()
    assert black > 5 * reflected > 0


def test_what_moves_with_the_photo_does_not_flicker() -> None:
    assert artifacts.flicker(lambda x: 1 - x, noisy()).item() < 1e-4


def test_flicker_is_the_mean_change_in_gray_levels() -> None:
    def grid(x: Tensor) -> Tensor:
        stripes = torch.arange(x.shape[-1]) % 2 * (10 / 255)
        return x + stripes

    # A step to the right, or right and down, changes every pixel by 10; one down, none.
    assert artifacts.flicker(grid, smooth()).item() == pytest.approx(20 / 3, rel=1e-3)


def test_isolated_bright_dots_are_counted() -> None:
    picture = smooth(200)
    for y, x in ((20, 30), (100, 150), (190, 60)):
        picture[..., y, x] = 1.4
    assert artifacts.bright_dots(picture).item() * 0.04 == pytest.approx(3)
    assert artifacts.bright_dots(smooth(200)).item() == 0


def test_strokes_and_edges_are_no_dots() -> None:
    picture = smooth(200) * 0.3
    picture[..., 50, 20:120] = 1
    picture[..., 100:, 150:] = 1
    assert artifacts.bright_dots(picture).item() == 0


def test_level_and_upright_lines_are_counted_by_their_length() -> None:
    picture = smooth(192)
    picture[..., 60, :] += 0.2
    picture[..., :, 90] -= 0.2
    assert artifacts.stripes(picture).item() * 0.192**2 == pytest.approx(8, rel=0.03)
    assert artifacts.stripes(smooth(192)).item() == 0
