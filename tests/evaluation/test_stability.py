from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.evaluation.stability import MOTIONS, Motion, make_clip, stability

NOISE = 2 / 255


@pytest.fixture
def photo() -> Tensor:
    """Without fine detail, which any way of moving it keeps."""
    coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    return F.interpolate(coarse, (128, 128), mode="bicubic", align_corners=True).clamp(0.1, 0.9)


def measured(
    stylize: Callable[[Iterator[Tensor]], Iterator[Tensor]], photo: Tensor, motion: Motion
) -> SimpleNamespace:
    clip = make_clip(photo, motion)
    return SimpleNamespace(**stability(clip, list(stylize(frame.pixels for frame in clip))))


def unchanged(frames: Iterator[Tensor]) -> Iterator[Tensor]:
    yield from frames


@pytest.mark.parametrize("name", MOTIONS)
def test_the_clip_itself_differs_by_its_noise_alone(photo: Tensor, name: str) -> None:
    found = measured(unchanged, photo, MOTIONS[name])
    # Moved along by parts of a pixel, noise is averaged.
    assert 1.05 * NOISE < found.e_stab < 1.5 * NOISE
    assert found.e_stab * 255 * 0.7 < found.gray_levels < found.e_stab * 255


def test_the_difference_of_two_noises_is_what_statistics_say(photo: Tensor) -> None:
    found = measured(unchanged, photo, Motion())
    assert found.e_stab == pytest.approx(2**0.5 * NOISE, rel=0.03)
    # The mean absolute value of a normal variable.
    assert found.gray_levels == pytest.approx(255 * found.e_stab * (2 / torch.pi) ** 0.5, rel=0.03)


def test_a_pattern_that_stays_on_the_screen_while_the_camera_moves_is_seen(photo: Tensor) -> None:
    pattern = 0.2 * torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(2))

    def behind_glass(frames: Iterator[Tensor]) -> Iterator[Tensor]:
        for frame in frames:
            yield frame + pattern

    standing, pan = (measured(behind_glass, photo, MOTIONS[name]) for name in ("standing", "pan"))
    assert standing.gray_levels < 3
    assert pan.gray_levels > 5 * standing.gray_levels


def test_light_that_flickers_is_seen_by_its_size(photo: Tensor) -> None:
    def lit(frames: Iterator[Tensor]) -> Iterator[Tensor]:
        for number, _ in enumerate(frames):
            yield torch.full((1, 3, 96, 96), 0.5 + 0.1 * (number % 2))

    found = measured(lit, photo, Motion())
    assert found.e_stab == pytest.approx(0.1, rel=1e-4)
    assert found.gray_levels == pytest.approx(25.5, rel=1e-4)


def test_what_the_thing_in_front_covers_does_not_count(photo: Tensor) -> None:
    still = measured(unchanged, photo, Motion())
    behind = measured(unchanged, photo, Motion(thing=0.05))
    assert behind.e_stab == pytest.approx(still.e_stab, rel=0.1)
