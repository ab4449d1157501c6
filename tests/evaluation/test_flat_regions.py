import pytest
import torch
from torch import Tensor

from faststyle.evaluation.artifacts import flat_windows, grid, one_direction, spread

SIDE = 256
GRAY = torch.full((1, 3, SIDE, SIDE), 0.5)


def noise(strength: float) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return GRAY + strength * (torch.rand(GRAY.shape, generator=generator) - 0.5)


def hatching(angle: float, period: float = 6.3) -> Tensor:
    """Lines that run in one direction, (1, 3, S, S)."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    turned = torch.tensor(angle).deg2rad()
    phase = (x * turned.cos() + y * turned.sin()) * 2 * torch.pi / period
    return (0.5 + 0.2 * phase.sin()).expand(1, 3, SIDE, SIDE)


def rings(period: float = 6.3) -> Tensor:
    """Lines of all directions, (1, 3, S, S)."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    radius = ((x - SIDE / 2).square() + (y - SIDE / 2).square()).sqrt()
    return (0.5 + 0.2 * (radius * 2 * torch.pi / period).sin()).expand(1, 3, SIDE, SIDE)


def half_textured() -> Tensor:
    photo = noise(0.005)
    photo[..., SIDE // 2 :] = noise(0.5)[..., SIDE // 2 :]
    return photo


def test_a_sky_with_a_cameras_noise_is_flat_and_a_lawn_is_not() -> None:
    assert flat_windows(noise(0.01)).all()
    assert not flat_windows(noise(0.2)).any()
    where = flat_windows(half_textured())
    assert where[..., :3].all()
    assert not where[..., 3:].any()


@pytest.mark.parametrize("angle", [0.0, 30.0, 47.0, 110.0])
def test_hatching_runs_in_one_direction_and_rings_in_all(angle: float) -> None:
    photo = noise(0.005)
    assert one_direction(hatching(angle), photo).item() > 0.7
    assert one_direction(rings(), photo).item() < 0.15


def test_noise_has_a_twelfth_of_its_energy_in_each_direction() -> None:
    assert one_direction(noise(0.3), GRAY).item() == pytest.approx(1 / 12, rel=0.15)


def test_only_flat_windows_count() -> None:
    stylized = rings().clone()
    stylized[..., SIDE // 2 :] = hatching(30.0)[..., SIDE // 2 :]
    everywhere, flat = one_direction(stylized, GRAY), one_direction(stylized, half_textured())
    assert flat < 0.7 * everywhere


def test_in_noise_all_frequencies_take_part_and_in_a_pattern_few() -> None:
    assert spread(noise(0.3), GRAY).item() > 0.9
    crossed = (hatching(30.0) + hatching(100.0)) / 2 + noise(0.02) - GRAY
    assert spread(crossed, GRAY).item() < 0.3


def test_coarse_noise_is_spread_as_fine_noise_is() -> None:
    coarse = torch.nn.functional.interpolate(noise(0.3), scale_factor=2, mode="bilinear")
    assert spread(coarse[..., :SIDE, :SIDE], GRAY).item() > 0.8


def test_a_checkerboard_in_the_sky_is_found() -> None:
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    board = 0.01 * (torch.pi * x / 2).cos() * (torch.pi * y / 2).cos()
    photo, stylized = half_textured(), noise(0.1)
    assert grid(stylized, photo).abs().item() < 1
    assert grid(stylized + board, photo).item() > 3


@pytest.mark.parametrize("measure", [grid, one_direction, spread])
def test_a_photo_without_flat_windows_has_no_measure(measure: object) -> None:
    assert callable(measure)
    found = measure(torch.cat((rings(), rings())), torch.cat((noise(0.5), noise(0.005))))
    assert found.isnan().tolist() == [True, False]


def test_photos_smaller_than_a_window_are_refused() -> None:
    with pytest.raises(ValueError, match="64 pixels or more"):
        flat_windows(torch.rand(1, 3, 64, 63))
