import pytest
import torch
from torch import Tensor

from faststyle.video.temporal_filter import TemporalFilter


def noisy(clean: Tensor, count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [clean + torch.randn(clean.shape, generator=generator) * 2 / 255 for _ in range(count)]


def test_noise_of_what_stands_still_falls_as_a_running_mean_says() -> None:
    steady, clean = TemporalFilter(0.9), torch.full((3, 64, 64), 0.5)
    frames = [steady.photo(frame) for frame in noisy(clean, 60)]
    # The variance of an exponential running mean of white noise is (1 - keep) / (1 + keep) of it.
    expected = 2 / 255 * (0.1 / 1.9) ** 0.5
    assert (frames[-1] - clean).std().item() == pytest.approx(expected, rel=0.1)


def test_what_moves_is_as_in_the_new_frame() -> None:
    steady = TemporalFilter(0.9)
    before, after = torch.zeros(3, 40, 40), torch.zeros(3, 40, 40)
    before[:, 10:20, 10:20] = 1
    after[:, 10:20, 14:24] = 1
    steady.photo(before)
    assert torch.equal(steady.photo(after), after)
    steady.stylized(before)
    assert torch.equal(steady.stylized(after)[:, 10:20, 10:24], after[:, 10:20, 10:24])


def test_stylized_frames_are_held_where_the_photo_stands_still() -> None:
    steady, photo = TemporalFilter(0.75), torch.rand(3, 20, 20)
    steady.photo(photo)
    first = steady.stylized(torch.zeros(3, 20, 20))
    steady.photo(photo)
    second = steady.stylized(torch.ones(3, 20, 20))
    assert not first.any()
    torch.testing.assert_close(second, torch.full((3, 20, 20), 0.25))


def test_enlarged_frames_are_held_there_too() -> None:
    steady, frames = TemporalFilter(0.9), [torch.full((3, 8, 8), value) for value in (0.0, 1.0)]
    held = []
    for frame in frames:
        steady.photo(torch.zeros(3, 4, 4))
        held.append(steady.stylized(frame))
    torch.testing.assert_close(held[1], torch.full((3, 8, 8), 0.1))


def test_a_flash_is_not_spread_over_time() -> None:
    steady, photo = TemporalFilter(0.9), torch.rand(3, 20, 20) / 2
    for frame in (photo, photo * 1.5 + 0.1, photo):
        assert torch.equal(steady.photo(frame), frame)


def test_keeping_nothing_changes_nothing() -> None:
    steady = TemporalFilter(0)
    for frame in noisy(torch.full((3, 8, 8), 0.5), 3):
        torch.testing.assert_close(steady.photo(frame), frame)
        torch.testing.assert_close(steady.stylized(1 - frame), 1 - frame)


@pytest.mark.parametrize(("rows", "columns"), [(4, 0), (-8, 4), (0, -4), (60, 0)])
def test_what_is_kept_moves_and_what_was_not_seen_is_taken_from_the_frame(
    rows: int, columns: int
) -> None:
    scene = torch.rand(3, 100, 100, generator=torch.Generator().manual_seed(0))
    steady = TemporalFilter(0.75)

    def window(row: int, column: int) -> Tensor:
        return scene[:, 30 + row : 70 + row, 30 + column : 70 + column]

    if rows > 40:  # beyond what was seen
        scene = torch.cat((scene, scene), 1)
    steady.photo(window(0, 0))
    steady.stylized(torch.zeros(3, 40, 40))
    steady.move(rows, columns)
    assert torch.equal(steady.photo(window(rows, columns)), window(rows, columns))
    found = steady.stylized(torch.ones(3, 40, 40))
    seen = torch.zeros(40, 40, dtype=torch.bool)
    seen[
        max(0, -rows) : 40 - max(0, rows) if rows < 40 else 0,
        max(0, -columns) : 40 - max(0, columns),
    ] = True
    inside = torch.nn.functional.max_pool2d((~seen).float()[None, None], 5, 1, 2)[0, 0] == 0
    torch.testing.assert_close(found[:, inside], torch.full_like(found[:, inside], 0.25))
    assert (found[:, ~seen] == 1).all()
