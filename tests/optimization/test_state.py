from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.images.files import load_picture
from faststyle.optimization.state import State, sizes, starting_picture


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    state = State([(4, 4)], torch.rand(1, 3, 4, 4), iteration=3, optimizer={"state": {0: [1, 2]}})
    state.save(tmp_path / "a.ckpt")
    found = State.load(tmp_path / "a.ckpt", [(4, 4)])
    assert torch.equal(found.pixels, state.pixels)
    assert (found.iteration, found.best, found.optimizer) == (3, None, state.optimizer)


def test_a_picture_of_another_size_is_not_resumed(tmp_path: Path) -> None:
    State([(4, 6)], torch.rand(1, 3, 4, 6)).save(tmp_path / "a.ckpt")
    with pytest.raises(UserError, match="6 x 4, and this run of one of 8 x 8"):
        State.load(tmp_path / "a.ckpt", [(8, 8)])


def test_a_checkpoint_of_training_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "a.ckpt")
    with pytest.raises(UserError, match=r"not written by faststyle optimize"):
        State.load(tmp_path / "a.ckpt", [(4, 4)])


PHOTO = torch.rand(3, 6, 8)


def test_a_blend_is_the_content_and_uniform_noise_in_the_given_share() -> None:
    noise = torch.rand((3, 6, 8), generator=torch.Generator().manual_seed(5))
    found = starting_picture("content", 0.3, PHOTO, (6, 8), seed=5)
    assert torch.allclose(found, 0.7 * PHOTO + 0.3 * noise)


def test_without_noise_the_content_itself_starts() -> None:
    assert torch.equal(starting_picture("content", 0, PHOTO, (6, 8), seed=0), PHOTO)


def test_noise_needs_no_content_and_fills_the_range() -> None:
    found = starting_picture("noise", 0, None, (50, 40), seed=0)
    assert found.shape == (3, 50, 40)
    assert abs(found.mean() - 0.5) < 0.02
    assert abs(found.std() - 12**-0.5) < 0.02


def test_any_picture_can_start_at_the_size_wanted(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    path = make_photo(tmp_path / "a.png", 30, 20)
    found = starting_picture(str(path), 0, PHOTO, (20, 30), seed=0)
    assert torch.equal(found, load_picture(path).pixels)
    assert starting_picture(str(path), 0, PHOTO, (7, 9), seed=0).shape == (3, 7, 9)


@pytest.mark.parametrize(
    ("start", "noise", "message"),
    [
        ("content", 0.0, "no content to start from"),
        ("noise", 1.5, r"noise=1\.5 must"),
        ("noise", "much", "noise=much must"),
        ("none.png", 0.0, "no such picture"),
    ],
)
def test_a_start_that_cannot_be_had_is_named(start: str, noise: float, message: str) -> None:
    with pytest.raises(UserError, match=message):
        starting_picture(start, noise, None, (6, 8), seed=0)


@pytest.mark.parametrize(
    ("size", "choice", "expected"),
    [
        ((512, 300), "auto", [(512, 300)]),
        ((768, 1024), "auto", [(384, 512), (768, 1024)]),
        ((2000, 1), "auto", [(500, 1), (1000, 1), (2000, 1)]),
        ((768, 1024), False, [(768, 1024)]),
        ((100, 80), True, [(50, 40), (100, 80)]),
        ((1, 1), True, [(1, 1), (1, 1)]),
    ],
)
def test_sizes_double_up_to_the_last(
    size: tuple[int, int], choice: bool | str, expected: list[tuple[int, int]]
) -> None:
    assert sizes(size, choice) == expected


def test_another_choice_of_sizes_is_refused() -> None:
    with pytest.raises(UserError, match="coarse_to_fine=often"):
        sizes((600, 600), "often")
