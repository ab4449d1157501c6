from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from faststyle.core.errors import UserError
from recipes.distillation.examples import ExampleMixer

PHOTOS = torch.rand(16, 3, 24, 24, generator=torch.Generator().manual_seed(0))


def test_a_batch_is_of_every_kind_and_all_of_it_pictures() -> None:
    shown = ExampleMixer().draw(PHOTOS)
    kept = [bool(torch.equal(*pair)) for pair in zip(shown.pictures, PHOTOS, strict=True)]
    assert kept == [True] * 6 + [False] * 10
    assert shown.painted == slice(10, 14)
    assert shown.pictures.shape == PHOTOS.shape
    assert shown.styles.shape == shown.contents.shape == (16,)
    assert shown.pictures.min() >= 0
    assert shown.pictures.max() <= 1


def test_a_picture_is_led_to_the_content_that_it_was_made_from() -> None:
    shown = ExampleMixer().draw(PHOTOS)
    assert shown.contents.tolist() == [15, *range(9), 0, 1, 2, 3, 14, 15]


def test_a_batch_below_eight_is_photos_only() -> None:
    pictures = ExampleMixer()
    shown = pictures.draw(PHOTOS[:4])
    assert torch.equal(shown.pictures, PHOTOS[:4])
    pictures.learn(shown, torch.rand(4, 3, 24, 24))


def test_choices_are_a_function_of_the_seed() -> None:
    first, same, other = (ExampleMixer(seed=seed).draw(PHOTOS).pictures for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_pictures_of_the_pool_move_down_the_gradient_by_the_step() -> None:
    pictures = ExampleMixer(pool=2, step=0.03)  # a batch shows both
    gray = torch.full_like(PHOTOS, 0.5)
    shown = pictures.draw(gray)
    assert len(shown.slots) == 2
    gradient = torch.rand_like(PHOTOS)
    pictures.learn(shown, gradient)
    again = pictures.draw(gray)
    moved = again.pictures[-2:][again.slots.argsort()] - 0.5
    assert torch.allclose(moved.square().mean((1, 2, 3)).sqrt(), torch.tensor(0.03), rtol=1e-3)
    direction = torch.cosine_similarity(
        moved.flatten(1), -gradient[-2:][shown.slots.argsort()].flatten(1)
    )
    assert (direction > 0.999).all()


def test_paintings_come_from_files_and_folders(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    make_photo(tmp_path / "folder" / "a.png", seed=1)
    single = make_photo(tmp_path / "b.png", seed=2)
    pictures = ExampleMixer([str(tmp_path / "folder"), str(single)], bank=3)
    assert pictures.bank(16).shape == (3, 3, 16, 16)
    with pytest.raises(UserError, match="no such style image: nowhere"):
        ExampleMixer(["nowhere"])


@pytest.mark.parametrize("name", ["bank", "pool"])
def test_an_empty_pool_or_bank_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=rf"pictures\.{name} is 0"):
        ExampleMixer(**{name: 0})  # type: ignore[arg-type]
