from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.data.painting_crops import PaintingFolder, recolor


@pytest.fixture
def paintings(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    """Nine of one school, and one of another."""
    for seed in range(9):
        make_photo(tmp_path / "brown" / f"{seed}.png", seed=seed)
    make_photo(tmp_path / "red" / "only.png", seed=99)
    return tmp_path


def test_a_crop_is_a_function_of_seed_and_place(paintings: Path) -> None:
    first, again = (PaintingFolder(paintings, 16, held_out=0) for _ in range(2))
    for place in (0, 7, 123_456):
        assert torch.equal(first.crop_at(3, place), again.crop_at(3, place))
    assert not torch.equal(first.crop_at(3, 0), first.crop_at(4, 0))
    assert not torch.equal(first.crop_at(3, 0), first.crop_at(3, 1))


def test_folders_are_shown_equally_often(paintings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = PaintingFolder(paintings, 16, held_out=0)
    shown: Counter[str] = Counter()
    crop = folder.train.random_crop

    def count(index: int, generator: np.random.Generator) -> torch.Tensor:
        shown[folder.train.paths[index].parent.name] += 1
        return crop(index, generator)

    monkeypatch.setattr(folder.train, "random_crop", count)
    for place in range(400):
        folder.crop_at(0, place)
    # Six deviations of 400 throws of a coin.
    assert abs(shown["red"] - 200) < 60


def test_held_out_paintings_are_not_trained_on(paintings: Path) -> None:
    folder = PaintingFolder(paintings, 16, held_out=3)
    assert len(folder.held_out) == 3
    assert not set(folder.held_out.paths) & set(folder.train.paths)


def test_a_file_that_is_no_picture_is_named_and_passed_over(
    paintings: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (paintings / "red" / "only.png").write_bytes(b"no picture")
    folder = PaintingFolder(paintings, 16, held_out=0)
    assert all(folder.crop_at(0, place).shape == (3, 16, 16) for place in range(20))
    assert sum("only.png" in record.message for record in caplog.records) == 1


def test_a_folder_without_paintings_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no pictures"):
        PaintingFolder(tmp_path, 16, held_out=0)


def test_one_painting_is_enough(tmp_path: Path, make_photo: Callable[..., Path]) -> None:
    make_photo(tmp_path / "mine.png")
    folder = PaintingFolder(tmp_path, 16, held_out=4)
    assert folder.crop_at(0, 0).shape == (3, 16, 16)
    assert len(folder.held_out) == 1


def test_other_colors_keep_what_is_gray_and_what_is_light() -> None:
    gray = torch.randint(0, 256, (1, 4, 5), dtype=torch.uint8).expand(3, 4, 5)
    assert torch.equal(recolor(gray, np.random.default_rng(0)), gray)
    colorful = torch.randint(100, 150, (3, 8, 8), dtype=torch.uint8)
    changed = recolor(colorful, np.random.default_rng(0))
    assert not torch.equal(changed, colorful)
    mean, before = (each.double().mean(0) for each in (changed, colorful))
    # Each channel is rounded.
    torch.testing.assert_close(mean, before, atol=0.5, rtol=0)
