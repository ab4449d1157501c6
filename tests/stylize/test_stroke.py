import pytest
import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.pixels import resample
from faststyle.stylize.stroke import check_stroke, with_stroke

GENERATOR = torch.Generator().manual_seed(0)
PHOTO = torch.rand(1, 3, 12, 16, generator=GENERATOR)
PHOTO = torch.nn.functional.interpolate(PHOTO, (96, 128), mode="bicubic").clamp(0, 1)


def _striped(sizes: list[tuple[int, ...]]) -> "object":
    """A painter whose strokes are stripes of 4 pixels, and which remembers what it painted."""

    def run_network(pictures: Tensor) -> Tensor:
        sizes.append(tuple(pictures.shape[2:]))
        stripes = (torch.arange(pictures.shape[3]) // 4 % 2).float()
        return stripes.expand_as(pictures).clone()

    return run_network


def _without_detail(picture: Tensor) -> Tensor:
    return resample(resample(picture, (48, 64)), (96, 128))


def _likeness(one: Tensor, other: Tensor) -> float:
    return torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), 0).item()


def _period(picture: Tensor) -> float:
    """Of the strongest wave along a row, in pixels."""
    row = picture.float().mean((0, 1, 2))
    strength = torch.fft.rfft(row - row.mean()).abs()
    return len(row) / int(strength.argmax())


@pytest.mark.parametrize(
    ("stroke", "expected"), [(0.5, [(192, 256)]), (1, [(96, 128)]), (2, [(48, 64), (96, 128)])]
)
def test_a_picture_is_painted_at_the_scale_that_gives_the_strokes(
    stroke: float, expected: list[tuple[int, int]]
) -> None:
    sizes: list[tuple[int, ...]] = []
    found = with_stroke(_striped(sizes), PHOTO, stroke)  # type: ignore[arg-type]
    assert sizes == expected
    assert found.shape == PHOTO.shape
    assert _period(found) == 8 * stroke


def test_the_coarse_part_is_that_of_the_small_picture_and_the_fine_part_that_of_the_large() -> None:
    painted: list[Tensor] = []

    def run_network(pictures: Tensor) -> Tensor:
        noise = torch.rand(pictures.shape, generator=GENERATOR) * 0.2 + 0.4
        painted.append(noise)
        return noise.clone()

    found = with_stroke(run_network, PHOTO, 2)[0]
    small, large = (each[0] for each in painted)
    coarse, fine = resample(found, (48, 64)), found - _without_detail(found)
    assert _likeness(coarse - 0.5, small - 0.5) > 0.9
    assert _likeness(fine, large - _without_detail(large)) > 0.9
    assert _likeness(coarse - 0.5, resample(large, (48, 64)) - 0.5) < 0.5


def test_bytes_stay_bytes() -> None:
    photo = (PHOTO * 255).to(torch.uint8)
    found = with_stroke(lambda pictures: pictures.clone(), photo, 2)
    assert found.dtype == torch.uint8
    assert (found.int() - photo.int()).abs().max() <= 2, "what paints nothing changes nothing"


@pytest.mark.parametrize("stroke", [0, -1, 0.2, 9, float("nan"), float("inf")])
def test_strokes_that_no_picture_has_are_refused(stroke: float) -> None:
    with pytest.raises(UserError, match="stroke is"):
        check_stroke(stroke)
