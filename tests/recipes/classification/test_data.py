from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.datasets import CIFAR10

from faststyle.core.errors import UserError
from faststyle.data.loader import SampleIndex
from recipes.classification.data import ClassData, MovedPictures


@pytest.fixture
def classes(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    root = tmp_path / "classes"
    for label, name in enumerate(("apple", "pear")):
        for k in range(10):
            make_photo(root / name / f"{k}.jpg", seed=10 * label + k)
    return root


def prepared(root: Path | None = None, **options: object) -> ClassData:
    data = ClassData(None if root is None else str(root), **options)  # type: ignore[arg-type]
    data.prepare_data()
    data.setup()
    return data


def test_cifar10_comes_through_torchvisions_own_loader(
    tmp_path: Path, cifar10: Callable[[int], None]
) -> None:
    cifar10(10)
    data = prepared(cache=str(tmp_path / "cache"))
    assert data.classes[3] == "grating_3"
    assert data.train_set is not None
    assert data.val_set is not None
    assert (len(data.train_set), len(data.val_set)) == (50, 10)
    own = CIFAR10(tmp_path / "cache" / "cifar10", train=True)
    pixels, label = data.train_set[7]
    assert np.array_equal(pixels.numpy().transpose(1, 2, 0), own.data[7])
    assert label == own.targets[7]


def test_the_archive_and_its_digest_are_the_published_ones() -> None:
    """Of cs.toronto.edu/~kriz/cifar.html."""
    assert CIFAR10.url == "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    assert CIFAR10.tgz_md5 == "c58f30108f718f92721af3b95e74349a"


def test_what_is_fetched_is_fetched_once_and_stays(
    tmp_path: Path, cifar10: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    cifar10(10)
    cache = str(tmp_path / "cache")
    first = prepared(cache=cache)
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/cifar.tar.gz")
    again = prepared(cache=cache)
    assert first.train_set is not None
    assert again.train_set is not None
    assert torch.equal(first.train_set[3][0], again.train_set[3][0])


def test_without_a_network_the_way_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/cifar.tar.gz")
    with pytest.raises(UserError, match=r"cannot download CIFAR-10 .* data.root="):
        prepared(cache=str(tmp_path))


def test_a_download_that_is_not_the_expected_one_is_refused(
    tmp_path: Path, cifar10: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    cifar10(10)
    monkeypatch.setattr(CIFAR10, "tgz_md5", "0" * 32)
    with pytest.raises(UserError, match=r"CIFAR-10 in .* is damaged"):
        prepared(cache=str(tmp_path))


def test_a_folder_is_split_and_nothing_is_in_both_parts(classes: Path) -> None:
    data = prepared(classes, held_out=0.2)
    assert data.classes == ["apple", "pear"]
    train, held_out = data.train_set, data.val_set
    assert train is not None
    assert held_out is not None
    assert (len(train), len(held_out)) == (16, 4)
    seen = {train[i][0].numpy().tobytes() for i in range(16)}
    assert not seen & {held_out[i][0].numpy().tobytes() for i in range(4)}
    assert all(train[i][0].shape == (3, 32, 32) for i in range(16))


def test_folders_named_train_and_val_are_taken_as_they_are(
    classes: Path, make_photo: Callable[..., Path]
) -> None:
    root = classes.parent / "both"
    root.mkdir()
    classes.rename(root / "train")
    for name in ("apple", "pear"):
        make_photo(root / "val" / name / "0.jpg")
    data = prepared(root)
    assert data.train_set is not None
    assert data.val_set is not None
    assert (len(data.train_set), len(data.val_set)) == (20, 2)
    (root / "val" / "pear").rename(root / "val" / "plum")
    with pytest.raises(UserError, match="different classes"):
        prepared(root)


def test_a_broken_picture_is_named_and_the_next_one_taken(
    classes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = classes / "apple" / "5.jpg"
    broken.write_bytes(b"no picture")
    data = prepared(classes)
    assert data.train_set is not None
    assert all(data.train_set[i][0].shape == (3, 32, 32) for i in range(len(data.train_set)))
    assert data.val_set is not None
    assert [data.val_set[i] for i in range(len(data.val_set))]
    assert f"skipped: {broken}" in caplog.text


def test_statistics_are_those_of_numpy_over_all_pixels(classes: Path) -> None:
    data = prepared(classes, held_out=0.2)
    assert data.train_set is not None
    pixels = np.stack([data.train_set[i][0].numpy() for i in range(16)]).astype(np.float64) / 255
    mean, std = data.statistics()
    assert np.allclose(mean, pixels.mean((0, 2, 3)))
    assert np.allclose(std, pixels.std((0, 2, 3)), rtol=1e-3)


class Numbered:
    """Pictures whose pixels tell where they were."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.arange(1, 101, dtype=torch.uint8).view(1, 10, 10), 4


@settings(max_examples=40, deadline=None)
@given(position=st.integers(0, 10**9), seed=st.integers(0, 1000), flip=st.booleans())
def test_a_moved_picture_is_itself_shifted_and_perhaps_mirrored(
    position: int, seed: int, flip: bool
) -> None:
    sample = MovedPictures(Numbered(), size=10, shift=3, flip=flip, seed=seed)
    moved, label = sample[SampleIndex(position, 0)]
    assert label == 4
    assert torch.equal(moved, sample[SampleIndex(position, 0)][0]), (
        "the same place, the same picture"
    )
    padded = np.pad(Numbered()[0][0].numpy()[0], 3)
    shifts = [padded[y : y + 10, x : x + 10] for y in range(7) for x in range(7)]
    possible = shifts + ([shift[:, ::-1] for shift in shifts] if flip else [])
    assert any(np.array_equal(moved[0].numpy(), one) for one in possible)


def test_shifts_and_mirrors_vary_from_place_to_place() -> None:
    sample = MovedPictures(Numbered(), size=10, shift=4, flip=True, seed=0)
    assert len({sample[SampleIndex(k, 0)][0].numpy().tobytes() for k in range(50)}) > 25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 16}, "data.size is 16; it must be 32 or more"),
        ({"held_out": 1.0}, "data.held_out is 1.0"),
        ({"root": "nowhere"}, "one folder of pictures for each class"),
    ],
)
def test_mistakes_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ClassData(**options).setup()  # type: ignore[arg-type]


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "alone.png")
    with pytest.raises(UserError, match="one folder of pictures for each class"):
        prepared(tmp_path)
